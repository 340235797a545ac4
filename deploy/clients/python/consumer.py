#!/usr/bin/env python3
"""A consumer of backpack-bridge that misses nothing: your code goes into Stream.deliver.

    consumer.py ENDPOINT STREAM[@EPOCH:SEQUENCE]... [--book] [--quiet SECONDS] [--behind SECONDS]
                [--curve-server-key KEY --curve-secret-key-file FILE]

Prints each message once, in sequence: STREAM EPOCH SEQUENCE PAYLOAD; what else happens, on stderr.
EPOCH:SEQUENCE is the last message that you have kept: it goes on behind it. --book holds the order
books of depth streams and prints them at the end (SIGTERM, SIGINT). A stream that has been quiet for
--quiet, by default 10, is asked what was lost. An answer is waited for until all that came before it
has been read, but for no more than --behind, by default 30. FILE holds what keygen printed.
Needs pyzmq: apt install python3-zmq, or pip install pyzmq.
"""

import argparse, collections, json, math, re, secrets, signal, struct, sys, time
from decimal import Decimal

import zmq

Header = collections.namedtuple("Header", "flags connection epoch sequence received event sent")
GAP, FIRST, END = 2, 4, 8
PATIENCE, LONGEST_PATIENCE = 1, 16  # seconds without an answer, then ask again: doubled each time
SILENCE = 3  # seconds without a word from the bridge, then nothing is up to date
PACE = 0.02  # seconds from one request to the next: the bridge serves 100 a second to all consumers
LONGEST_QUIET = 600  # seconds, then a quiet stream is asked at the latest
LONGEST_TURN = 0.1  # seconds between two looks at the clock; what goes beyond was a halt
MOST_WAITING = 100_000  # live messages of a stream
FEWEST_LEVELS = 250  # of a side that has a horizon, then a book that reaches further is asked for


def note(*words):
    print(*words, file=sys.stderr, flush=True)


class Clock:
    """Tells for how long this has run: what comes while it is halted is not late, but to be read."""

    def __init__(self):
        self.ran, self.seen = 0, time.monotonic()

    def now(self):
        before, self.seen = self.seen, time.monotonic()
        self.ran += min(self.seen - before, LONGEST_TURN)
        return self.ran


clock = Clock()


class Book:
    """Both sides: the number that a price is → price and quantity as the exchange wrote them. Where a
    side has a horizon, nothing is known of the prices beyond it."""

    def __init__(self, horizon):
        self.asks, self.bids = {}, {}
        self.lowest = Decimal(horizon.get("bids", "-Infinity"))
        self.highest = Decimal(horizon.get("asks", "Infinity"))

    def apply(self, asks, bids):
        for side, levels in (self.asks, asks), (self.bids, bids):
            for price, quantity in levels or ():  # a side may be absent: it has not changed
                number = Decimal(price)
                if number > self.highest if side is self.asks else number < self.lowest:
                    continue
                if Decimal(quantity):
                    side[number] = [price, quantity]
                else:
                    side.pop(number, None)

    def runs_short(self):
        return (self.highest.is_finite() and len(self.asks) < FEWEST_LEVELS or
                self.lowest.is_finite() and len(self.bids) < FEWEST_LEVELS)

    def __str__(self):
        sides = {"asks": self.asks, "bids": self.bids}
        return json.dumps({name: [side[price] for price in sorted(side)]
                           for name, side in sides.items()}, separators=(",", ":"))


class Stream:
    def __init__(self, socket, topics, name, epoch, sequence, has_book, quiet):
        self.socket, self.topics = socket, topics  # whose each topic is
        self.name, self.has_book, self.quiet = name, has_book, quiet
        self.epoch, self.next = epoch, sequence + 1  # epoch 0: no bridge has been seen
        self.waiting = collections.deque()  # live messages, for a replay of what precedes them
        self.holes = 0  # replays in a row that lacked the next message
        # kind → the last two topics it was asked by; when to ask (again); patience until then
        self.requests = {}
        self.in_doubt = False  # something may have been lost, and has not been asked for
        self.book, self.book_at = None, math.inf  # the last message in it; infinite: there is none
        self.book_id = 0  # the exchange's, of its last change
        self.subscribe(name.encode())
        self.ask_replay()
        self.ask_book()
        self.was_heard()

    def subscribe(self, topic):
        self.topics[topic] = self
        self.socket.subscribe(topic)

    def unsubscribe(self, topic):
        del self.topics[topic]
        self.socket.unsubscribe(topic)

    def want(self, kind):
        self.end(kind)
        self.requests[kind] = [], -1, PATIENCE / 2

    def ask_replay(self):
        self.want("replay")

    def ask_book(self):
        self.book_at = math.inf
        if self.has_book:
            self.want("book")

    def was_heard(self):
        self.patience = self.quiet
        self.check_at = clock.now() + self.patience

    def ask(self, now, dry_at):
        """Whether anything was to be asked; one thing at a time. At dry_at all that had come was read:
        what was not among it is late, and not only behind what this is too slow to read."""
        if (self.in_doubt or dry_at > self.check_at) and "replay" not in self.requests:
            self.patience = min(2 * self.patience, LONGEST_QUIET)
            self.check_at = now + self.patience
            self.ask_replay()
        for kind in "replay", "book":
            if kind in self.requests and dry_at > self.requests[kind][1]:
                topics, _, patience = self.requests[kind]
                patience = min(2 * patience, LONGEST_PATIENCE)
                if len(topics) == 2:  # an answer that is late after all is one, too
                    self.unsubscribe(topics.pop(0))
                what = f"{self.name}/{self.next}" if kind == "replay" else self.name
                # A topic that nobody else uses: the answer comes under it.
                topics.append(f"bridge.{kind}/{what}/{secrets.token_hex(8)}".encode())
                self.requests[kind] = topics, now + patience, patience
                self.subscribe(topics[-1])
                self.in_doubt = self.in_doubt and kind != "replay"
                return True
        return False

    def end(self, kind):
        topics, *_ = self.requests.pop(kind, ((),))
        for topic in topics:
            self.unsubscribe(topic)

    def meet(self, epoch):
        """The bridge says which it is."""
        if self.epoch not in (0, epoch):  # it was restarted: its sequences begin at 1
            note("epoch", self.name, epoch)
            self.next, self.holes = 1, 0
            self.waiting.clear()
            self.ask_replay()
            self.ask_book()
        self.epoch = epoch

    def take(self, topic, header, payload):
        if topic == self.name.encode():
            self.on_live(header, payload)
        elif topic in self.requests.get("replay", ((),))[0]:
            self.on_replayed(header, payload)
        else:
            self.on_book(header, payload)

    def on_book(self, header, payload):
        if not payload:  # none is in sync: as good as no answer
            return
        book = json.loads(payload)
        self.book, self.book_at = Book(book.get("horizon", {})), header.sequence
        self.book.apply(book["asks"], book["bids"])
        if not self.book.runs_short():  # else as good as no answer, but right as far as it goes
            self.end("book")
        self.book_id = int(book["lastUpdateId"])
        note("book", self.name, header.sequence)

    def on_live(self, header, payload):
        if header.sequence >= self.next:  # if less: known from a replay
            self.waiting.append((header, payload))
        if len(self.waiting) > MOST_WAITING:  # no replay comes: go on without
            self.end("replay")
            self.lose(self.waiting[0][0].sequence - 1)
        self.catch_up()

    def catch_up(self):
        """Delivers what follows; what is behind a hole waits for a replay."""
        while self.waiting and self.waiting[0][0].sequence <= self.next:
            header, payload = self.waiting.popleft()
            if header.sequence == self.next:
                self.deliver(header, payload)
        if self.waiting and "replay" not in self.requests:
            note("hole", self.name, self.next, self.waiting[0][0].sequence - 1)
            self.ask_replay()

    def on_replayed(self, header, payload):
        ends = header.flags & END
        last_missing = header.sequence - (0 if ends else 1)
        if self.waiting:  # a live one is not missing, and behind the end nothing comes before it
            before = self.waiting[0][0].sequence - 1
            last_missing = before if ends else min(last_missing, before)
        if last_missing >= self.next:
            # A replay has no holes: either it was lost on the way, or it is kept no more. Then
            # another replay lacks it too.
            self.holes += 1
            if self.holes < 2:
                return self.ask_replay()
            self.lose(last_missing)
        if ends:
            self.end("replay")
            if not header.sequence:  # is it spelled as the bridge spells it, and carried there?
                note("unknown", self.name)
        else:
            topics, _, patience = self.requests["replay"]
            self.requests["replay"] = topics, clock.now() + patience, patience
            if header.sequence == self.next:  # after a reconnect in its middle it begins anew
                self.deliver(header, payload)
        self.catch_up()

    def lose(self, last):
        note("lost", self.name, self.next, last)
        self.next, self.holes = last + 1, 0
        if last > self.book_at:
            self.ask_book()

    def deliver(self, header, payload):
        self.next, self.holes = header.sequence + 1, 0
        self.was_heard()
        print(self.name, self.epoch, header.sequence, payload.decode(), flush=True)
        if header.flags & FIRST and header.sequence > 1:  # the exchange was away before
            note("reconnected", self.name, header.sequence)
        if header.flags & GAP:
            note("gap", self.name, header.sequence)
        if header.sequence > self.book_at:
            if header.flags & GAP:
                return self.ask_book()
            self.book_at = header.sequence
            try:
                data = json.loads(payload)["data"]
                if data["u"] > self.book_id:  # if not: said before
                    self.book.apply(data.get("a"), data.get("b"))
                    self.book_id = data["u"]
                if self.book.runs_short() and "book" not in self.requests:
                    self.want("book")  # this one is right until the answer comes
            except Exception:  # not as we know it: who knows what it has changed
                self.ask_book()


def connect(options):
    socket = zmq.Context.instance().socket(zmq.SUB)
    socket.linger = 0
    socket.sndhwm = 0  # subscriptions wait here: beyond its bound they would be thrown away
    socket.rcvhwm = 0  # what comes too fast waits here, where nothing is lost, not in the bridge
    socket.tcp_keepalive, socket.tcp_keepalive_cnt = 1, 3  # the system notices a dead connection
    socket.tcp_keepalive_idle = socket.tcp_keepalive_intvl = 10  # seconds
    if options.curve_server_key:
        with open(options.curve_secret_key_file) as file:
            keys = dict(line.split() for line in file)
        socket.curve_serverkey = options.curve_server_key.encode()
        socket.curve_publickey = keys["public_key"].encode()
        socket.curve_secretkey = keys["secret_key"].encode()
    socket.connect(options.endpoint)
    socket.subscribe("bridge.status")
    return socket


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("endpoint")
    parser.add_argument("streams", nargs="+")
    parser.add_argument("--book", action="store_true")
    parser.add_argument("--quiet", type=float, default=10)
    parser.add_argument("--behind", type=float, default=30)
    parser.add_argument("--curve-server-key")
    parser.add_argument("--curve-secret-key-file")
    options = parser.parse_args()
    going = [True]
    for sign in signal.SIGTERM, signal.SIGINT:
        signal.signal(sign, lambda *_: going.clear())

    socket = connect(options)
    streams, topics = [], {}
    for stream in options.streams:
        name, epoch, sequence = re.fullmatch(r"(.*?)(?:@(\d+):(\d+))?", stream).groups(default=0)
        if name.encode() in topics:  # it has been named before
            continue
        streams.append(Stream(socket, topics, name, int(epoch), int(sequence),
                              options.book and name.startswith("depth."), options.quiet))
    state = told = "connecting"
    epoch = statuses = ask_at = 0
    heard = connected = dry_at = now = clock.now()
    while going:
        was, before, now = state, now, clock.now()
        is_ready = socket.poll(0)
        if epoch and (not is_ready or now > dry_at + options.behind):
            dry_at = before  # if this was halted since, what has come is still on its way in
        if is_ready or socket.poll(PACE * 1000):
            topic, payload, header, *_ = socket.recv_multipart()
            header = Header(*struct.unpack("<HIQQqqq", header[2:48]))
            if header.epoch != epoch:
                epoch = header.epoch
                for stream in streams:
                    stream.meet(epoch)
            if topic == b"bridge.status":
                told = json.loads(payload)["state"]
                if 0 < statuses < header.sequence - 1:  # who knows what was lost with them
                    for stream in streams:
                        stream.in_doubt = True
                statuses = header.sequence
            elif topic in topics:  # the whole topic: ZeroMQ matches prefixes
                topics[topic].take(topic, header, payload)
            state, heard = told, clock.now()  # whatever it says ends its silence
        elif now > heard + SILENCE:
            state = "silent"
            # Its connection may be dead without a word. ZeroMQ's own heartbeats would notice, but
            # libzmq 4.3.4 has assertions that they can run into.
            if now > connected + SILENCE:
                socket.disconnect(options.endpoint)
                socket.connect(options.endpoint)
                connected = now
        if state != was:
            note("bridge", state)
        if now > ask_at and state != "silent":
            ask_at = now + PACE
            for stream in streams:
                if stream.ask(now, dry_at):
                    streams.remove(stream)  # the others' turn
                    streams.append(stream)
                    break
    for stream in streams:
        if stream.book_at != math.inf:
            print(f"bridge.book/{stream.name}", stream.epoch, stream.book_at, stream.book, flush=True)


if __name__ == "__main__":
    main()
