// A consumer of backpack-bridge that misses nothing: your code goes into Stream.deliver. Usage, output
// and the reasons are those of python/consumer.py, which says more. On Debian 12:
//   apt install default-jdk-headless libjeromq-java libgoogle-gson-java
//   java -cp /usr/share/java/jeromq.jar:/usr/share/java/gson.jar Consumer.java ENDPOINT STREAM...
// Debian's JeroMQ, 0.3.6, has no CURVE: it cannot read an encrypted endpoint. From 0.5 on there is
// ZMQ.Socket.setCurveServerKey, setCurvePublicKey, setCurveSecretKey, to be called before connect.

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.zeromq.ZMQ;

public class Consumer {
    static final int GAP = 2, FIRST = 4, END = 8;
    // ns without an answer, then ask again; then after twice as long each time, up to the other
    static final long PATIENCE = 1_000_000_000L, LONGEST_PATIENCE = 16_000_000_000L;
    static final long SILENCE = 3_000_000_000L; // ns without a word, then nothing is up to date
    static final long PACE = 20_000_000L; // ns between requests: the bridge serves 100 a second in all
    static final long LONGEST_QUIET = 600_000_000_000L; // ns, then a quiet stream is asked at the latest
    static final long LONGEST_TURN = 100_000_000L; // ns between two looks at the clock; more was a halt
    static final int MOST_WAITING = 100_000; // live messages of a stream
    // Levels of a side that has a horizon, then a book that reaches further is asked for.
    static final int FEWEST_LEVELS = 250;
    static final long NO_BOOK = Long.MAX_VALUE;

    record Header(int flags, long epoch, long sequence) {
        static Header decode(byte[] bytes) {
            ByteBuffer header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            return new Header(header.getShort(2), header.getLong(8), header.getLong(16));
        }
    }

    record Message(Header header, String payload) {}

    /** The last two topics it was asked by; due: when to ask (again); patience: until then. */
    record Request(List<String> topics, long due, long patience) {}

    static long ran = 0, seen = System.nanoTime();

    /** For how long this has run, in ns: what comes while it is halted is not late, but to be read. */
    static long now() {
        long before = seen;
        seen = System.nanoTime();
        return ran += Math.min(seen - before, LONGEST_TURN);
    }

    /**
     * Both sides: the number that a price is → price and quantity as the exchange wrote them. Where a
     * side has a horizon, nothing is known of the prices beyond it.
     */
    static class Book {
        final TreeMap<BigDecimal, JsonArray> asks = new TreeMap<>(), bids = new TreeMap<>();
        final BigDecimal highest, lowest; // null: no horizon

        Book(JsonObject horizon) {
            highest = horizon != null && horizon.has("asks") ? horizon.get("asks").getAsBigDecimal() : null;
            lowest = horizon != null && horizon.has("bids") ? horizon.get("bids").getAsBigDecimal() : null;
        }

        boolean runsShort() {
            return highest != null && asks.size() < FEWEST_LEVELS
                    || lowest != null && bids.size() < FEWEST_LEVELS;
        }

        boolean isBeyond(BigDecimal price, boolean isAsk) {
            return isAsk ? highest != null && price.compareTo(highest) > 0
                    : lowest != null && price.compareTo(lowest) < 0;
        }

        void apply(JsonElement asks, JsonElement bids) {
            apply(this.asks, asks);
            apply(this.bids, bids);
        }

        private void apply(TreeMap<BigDecimal, JsonArray> side, JsonElement levels) {
            if (levels == null || levels.isJsonNull()) return; // the side has not changed
            for (var element : levels.getAsJsonArray()) {
                JsonArray level = element.getAsJsonArray();
                BigDecimal price = level.get(0).getAsBigDecimal();
                if (isBeyond(price, side == asks)) continue;
                if (level.get(1).getAsBigDecimal().signum() == 0) side.remove(price);
                else side.put(price, level);
            }
        }

        @Override
        public String toString() {
            JsonObject sides = new JsonObject();
            for (var side : List.of(Map.entry("asks", asks), Map.entry("bids", bids))) {
                JsonArray levels = new JsonArray();
                side.getValue().values().forEach(levels::add);
                sides.add(side.getKey(), levels);
            }
            return sides.toString();
        }
    }

    static class Stream {
        final ZMQ.Socket socket;
        final Map<String, Stream> topics; // whose each topic is
        final String name;
        final boolean hasBook;
        long epoch, next; // epoch 0: no bridge has been seen
        final long quiet; // ns, then it is asked what was lost
        final ArrayDeque<Message> waiting = new ArrayDeque<>(); // live, for a replay of what precedes
        int holes = 0; // replays in a row that lacked the next message
        final Map<String, Request> requests = new HashMap<>(); // by kind
        Book book;
        long bookAt = NO_BOOK; // sequence of the last message in it
        long bookId = 0; // the exchange's, of its last change
        long patience, checkAt; // how long quiet before it is asked (again), and when that is
        boolean inDoubt; // something may have been lost, and has not been asked for

        Stream(ZMQ.Socket socket, Map<String, Stream> topics, String name, long epoch, long sequence,
                boolean hasBook, long quiet) {
            this.socket = socket;
            this.topics = topics;
            this.name = name;
            this.hasBook = hasBook;
            this.quiet = quiet;
            this.epoch = epoch;
            this.next = sequence + 1;
            subscribe(name);
            askReplay();
            askBook();
            wasHeard();
        }

        void subscribe(String topic) {
            topics.put(topic, this);
            socket.subscribe(bytes(topic));
        }

        void unsubscribe(String topic) {
            topics.remove(topic);
            socket.unsubscribe(bytes(topic));
        }

        void want(String kind) {
            end(kind);
            requests.put(kind, new Request(List.of(), -1, PATIENCE / 2));
        }

        void askReplay() {
            want("replay");
        }

        void askBook() {
            bookAt = NO_BOOK;
            if (hasBook) want("book");
        }

        void wasHeard() {
            patience = quiet;
            checkAt = now() + patience;
        }

        /**
         * Whether anything was to be asked; one thing at a time. At dryAt all that had come was read: what
         * was not among it is late, and not only behind what this is too slow to read.
         */
        boolean ask(long now, long dryAt) {
            if ((inDoubt || dryAt > checkAt) && !requests.containsKey("replay")) {
                patience = Math.min(2 * patience, LONGEST_QUIET);
                checkAt = now + patience;
                askReplay();
            }
            for (String kind : List.of("replay", "book")) {
                Request request = requests.get(kind);
                if (request == null || dryAt <= request.due) continue;
                long patience = Math.min(2 * request.patience, LONGEST_PATIENCE);
                List<String> asked = new ArrayList<>(request.topics);
                if (asked.size() == 2) unsubscribe(asked.remove(0)); // a late answer is one, too
                String what = kind.equals("replay") ? name + "/" + next : name;
                // A topic that nobody else uses: the answer comes under it.
                asked.add("bridge." + kind + "/" + what + "/" + UUID.randomUUID());
                requests.put(kind, new Request(asked, now + patience, patience));
                subscribe(asked.get(asked.size() - 1));
                if (kind.equals("replay")) inDoubt = false;
                return true;
            }
            return false;
        }

        void end(String kind) {
            Request request = requests.remove(kind);
            if (request != null) request.topics.forEach(this::unsubscribe);
        }

        /** The bridge says which it is. */
        void meet(long epoch) {
            if (this.epoch != 0 && this.epoch != epoch) { // it was restarted: its sequences begin at 1
                note("epoch", name, epoch);
                next = 1;
                holes = 0;
                waiting.clear();
                askReplay();
                askBook();
            }
            this.epoch = epoch;
        }

        void take(String topic, Header header, String payload) {
            Request replay = requests.get("replay");
            if (topic.equals(name)) onLive(header, payload);
            else if (replay != null && replay.topics.contains(topic)) onReplayed(replay, header, payload);
            else onBook(header, payload);
        }

        void onBook(Header header, String payload) {
            if (payload.isEmpty()) return; // none is in sync: as good as no answer
            JsonObject sides = JsonParser.parseString(payload).getAsJsonObject();
            book = new Book(sides.getAsJsonObject("horizon"));
            book.apply(sides.get("asks"), sides.get("bids"));
            if (!book.runsShort()) end("book"); // else as good as no answer, but right as far as it goes
            bookId = sides.get("lastUpdateId").getAsLong();
            bookAt = header.sequence;
            note("book", name, bookAt);
        }

        void onLive(Header header, String payload) {
            if (header.sequence >= next) waiting.add(new Message(header, payload)); // if less: known
            if (waiting.size() > MOST_WAITING) { // no replay comes: go on without
                end("replay");
                lose(waiting.peek().header.sequence - 1);
            }
            catchUp();
        }

        /** Delivers what follows; what is behind a hole waits for a replay. */
        void catchUp() {
            while (!waiting.isEmpty() && waiting.peek().header.sequence <= next) {
                Message message = waiting.poll();
                if (message.header.sequence == next) deliver(message.header, message.payload);
            }
            if (waiting.isEmpty() || requests.containsKey("replay")) return;
            note("hole", name, next, waiting.peek().header.sequence - 1);
            askReplay();
        }

        void onReplayed(Request request, Header header, String payload) {
            boolean ends = (header.flags & END) != 0;
            long lastMissing = ends ? header.sequence : header.sequence - 1;
            if (!waiting.isEmpty()) { // a live one is not missing, and behind the end none before it comes
                long before = waiting.peek().header.sequence - 1;
                lastMissing = ends ? before : Math.min(lastMissing, before);
            }
            if (lastMissing >= next) {
                // A replay has no holes: either it was lost on the way, or it is kept no more. Then
                // another replay lacks it too.
                if (++holes < 2) {
                    askReplay();
                    return;
                }
                lose(lastMissing);
            }
            if (ends) {
                end("replay");
                // Is it spelled as the bridge spells it, and carried there?
                if (header.sequence == 0) note("unknown", name);
            } else {
                long due = now() + request.patience;
                requests.put("replay", new Request(request.topics, due, request.patience));
                // After a reconnect in its middle it begins anew.
                if (header.sequence == next) deliver(header, payload);
            }
            catchUp();
        }

        void lose(long last) {
            note("lost", name, next, last);
            next = last + 1;
            holes = 0;
            if (last > bookAt) askBook();
        }

        void deliver(Header header, String payload) {
            boolean followsGap = (header.flags & GAP) != 0;
            next = header.sequence + 1;
            holes = 0;
            wasHeard();
            System.out.print(name + " " + epoch + " " + header.sequence + " " + payload + "\n");
            if ((header.flags & FIRST) != 0 && header.sequence > 1) // the exchange was away
                note("reconnected", name, header.sequence);
            if (followsGap) note("gap", name, header.sequence);
            if (header.sequence <= bookAt) return;
            if (followsGap) {
                askBook();
                return;
            }
            bookAt = header.sequence;
            try {
                JsonObject message = JsonParser.parseString(payload).getAsJsonObject();
                JsonObject data = message.getAsJsonObject("data");
                long id = data.get("u").getAsLong();
                if (id <= bookId) return; // said before
                book.apply(data.get("a"), data.get("b"));
                bookId = id;
                // This one is right until the answer comes.
                if (book.runsShort() && !requests.containsKey("book")) want("book");
            } catch (RuntimeException unreadable) { // who knows what it has changed
                askBook();
            }
        }
    }

    static void note(Object... words) {
        StringBuilder line = new StringBuilder();
        for (Object word : words) line.append(line.length() == 0 ? "" : " ").append(word);
        System.err.println(line);
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** Of an option among the arguments, in ns. */
    static long takeSeconds(List<String> arguments, String option, double otherwise) {
        int at = arguments.indexOf(option);
        if (at < 0 || at + 1 >= arguments.size()) return (long) (otherwise * 1e9);
        arguments.remove(at);
        return (long) (Double.parseDouble(arguments.remove(at)) * 1e9);
    }

    static volatile boolean going = true;

    public static void main(String[] arguments) {
        List<String> names = new ArrayList<>(List.of(arguments));
        boolean wantsBooks = names.remove("--book");
        long quiet = takeSeconds(names, "--quiet", 10), behind = takeSeconds(names, "--behind", 30);
        if (names.size() < 2 || names.stream().anyMatch(name -> name.startsWith("--"))) {
            note("Consumer ENDPOINT STREAM[@EPOCH:SEQUENCE]... [--book] [--quiet SECONDS] "
                    + "[--behind SECONDS]; JeroMQ 0.3.6 has no CURVE");
            System.exit(2);
        }
        System.setOut(new java.io.PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out),
                false, StandardCharsets.UTF_8));
        Thread main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> { // SIGTERM, SIGINT
            going = false;
            try {
                main.join(5000);
                Runtime.getRuntime().halt(0); // ended in order; the JVM would say 143
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
            }
        }));

        ZMQ.Socket socket = ZMQ.context(1).socket(ZMQ.SUB);
        socket.setLinger(0);
        socket.setSndHWM(0); // subscriptions wait here: beyond its bound they would be thrown away
        socket.setRcvHWM(0); // what comes too fast waits here, where nothing is lost
        socket.setTCPKeepAlive(1); // the system notices a dead connection, after its own two hours
        socket.setReceiveTimeOut(20);
        String endpoint = names.remove(0);
        socket.connect(endpoint);
        socket.subscribe(bytes("bridge.status"));
        List<Stream> streams = new ArrayList<>();
        Map<String, Stream> topics = new HashMap<>();
        for (String argument : names) {
            Matcher parts = Pattern.compile("(.*?)(?:@(\\d+):(\\d+))?").matcher(argument);
            parts.matches();
            if (topics.containsKey(parts.group(1))) continue; // it has been named before
            long epoch = parts.group(2) == null ? 0 : Long.parseLong(parts.group(2));
            long sequence = parts.group(3) == null ? 0 : Long.parseLong(parts.group(3));
            boolean hasBook = wantsBooks && parts.group(1).startsWith("depth.");
            streams.add(new Stream(socket, topics, parts.group(1), epoch, sequence, hasBook, quiet));
        }
        String state = "connecting", told = state;
        long now = now(), heard = now, connected = now, dryAt = now, askAt = now;
        long epoch = 0, statuses = 0;
        while (going) {
            String was = state;
            long before = now;
            now = now();
            byte[] frame = socket.recv(ZMQ.DONTWAIT);
            if (epoch != 0 && (frame == null || now - dryAt > behind))
                dryAt = before; // if this was halted since, what has come is still on its way in
            if (frame == null) frame = socket.recv();
            if (frame != null) {
                String topic = text(frame);
                String payload = text(socket.recv());
                Header header = Header.decode(socket.recv());
                while (socket.hasReceiveMore()) socket.recv(); // of a later version
                if (header.epoch != epoch) {
                    epoch = header.epoch;
                    for (Stream stream : streams) stream.meet(epoch);
                }
                if (topic.equals("bridge.status")) {
                    told = JsonParser.parseString(payload).getAsJsonObject().get("state").getAsString();
                    // Who knows what was lost with them.
                    if (statuses > 0 && header.sequence > statuses + 1)
                        for (Stream stream : streams) stream.inDoubt = true;
                    statuses = header.sequence;
                } else if (topics.containsKey(topic)) { // the whole topic: ZeroMQ matches prefixes
                    topics.get(topic).take(topic, header, payload);
                }
                state = told; // whatever it says ends its silence
                heard = now();
            } else if (now - heard > SILENCE) {
                state = "silent";
                // Its connection may be dead without a word. JeroMQ 0.3.6 has no disconnect, as later
                // versions have; its unbind does that.
                if (now - connected > SILENCE) {
                    socket.unbind(endpoint);
                    socket.connect(endpoint);
                    connected = now;
                }
            }
            if (!state.equals(was)) note("bridge", state);
            if (now - askAt < 0 || state.equals("silent")) continue;
            askAt = now + PACE;
            for (Stream stream : streams) {
                if (!stream.ask(now, dryAt)) continue;
                streams.remove(stream); // the others' turn
                streams.add(stream);
                break;
            }
        }
        for (Stream stream : streams)
            if (stream.bookAt != NO_BOOK)
                System.out.print("bridge.book/" + stream.name + " " + stream.epoch + " " + stream.bookAt
                        + " " + stream.book + "\n");
        System.out.flush();
    }
}
