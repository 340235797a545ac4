// A consumer of backpack-bridge that misses nothing: your code goes into Stream.deliver. Usage, output
// and the reasons are those of python/consumer.py, which says more. Node 18 or later; npm install zeromq@6
"use strict";
const { randomUUID } = require("node:crypto");
const { readFileSync } = require("node:fs");
const { parseArgs } = require("node:util");
const { Subscriber } = require("zeromq");

const GAP = 2, FIRST = 4, END = 8;
const PATIENCE = 1000; // ms without an answer, then ask again; then after twice as long each time,
const LONGEST_PATIENCE = 16_000; // but no longer than this
const SILENCE = 3000; // ms without a word from the bridge, then nothing is up to date
const PACE = 20; // ms from one request to the next: the bridge serves 100 a second to all consumers
const LONGEST_QUIET = 600_000; // ms, then a quiet stream is asked at the latest
const LONGEST_TURN = 100; // ms between two looks at the clock; what goes beyond was a halt
const MOST_WAITING = 100_000; // live messages of a stream
const FEWEST_LEVELS = 250; // of a side that has a horizon, then a book that reaches further is asked for

const note = (...words) => process.stderr.write(words.join(" ") + "\n");

// For how long this has run, in ms: what comes while it is halted is not late, but to be read.
let ran = 0, seen = performance.now();
function now() {
  const before = seen;
  seen = performance.now();
  return ran += Math.min(seen - before, LONGEST_TURN);
}

// Both are exact up to 2^53: sequences for as long as anybody lives, and epochs until the year 2255.
const decode = bytes => ({
  flags: bytes.readUInt16LE(2),
  epoch: Number(bytes.readBigUInt64LE(8)),
  sequence: Number(bytes.readBigUInt64LE(16)),
});

// Both sides: the number that a price is → price and quantity as the exchange wrote them. Where a side
// has a horizon, nothing is known of the prices beyond it.
class Book {
  asks = new Map();
  bids = new Map();

  constructor({ asks = Infinity, bids = -Infinity } = {}) {
    Object.assign(this, { highest: Number(asks), lowest: Number(bids) });
  }

  apply(asks, bids) {
    for (const [side, levels] of [[this.asks, asks], [this.bids, bids]])
      for (const [price, quantity] of levels ?? []) { // a side may be absent: it has not changed
        if (isNaN(price) || isNaN(quantity)) throw new TypeError("no numbers");
        if (side === this.asks ? Number(price) > this.highest : Number(price) < this.lowest) continue;
        if (Number(quantity) === 0) side.delete(Number(price));
        else side.set(Number(price), [price, quantity]);
      }
  }

  runsShort() {
    return this.highest < Infinity && this.asks.size < FEWEST_LEVELS ||
      this.lowest > -Infinity && this.bids.size < FEWEST_LEVELS;
  }

  toString() {
    const sorted = side => [...side.entries()].sort((a, b) => a[0] - b[0]).map(([, level]) => level);
    return JSON.stringify({ asks: sorted(this.asks), bids: sorted(this.bids) });
  }
}

class Stream {
  waiting = []; // live messages, for a replay of what precedes them
  holes = 0; // replays in a row that lacked the next message
  requests = {}; // kind → the last two topics it was asked by; when to ask (again); patience until then
  inDoubt = false; // something may have been lost, and has not been asked for
  bookAt = Infinity; // the last message in the book; infinite: there is none
  bookId = 0; // the exchange's, of its last change

  // topics: whose each topic is. Epoch 0: no bridge has been seen.
  constructor(socket, topics, name, epoch, sequence, hasBook, quiet) {
    Object.assign(this, { socket, topics, name, epoch, next: sequence + 1, hasBook, quiet });
    this.subscribe(name);
    this.askReplay();
    this.askBook();
    this.wasHeard();
  }

  subscribe(topic) {
    this.topics.set(topic, this);
    this.socket.subscribe(topic);
  }

  unsubscribe(topic) {
    this.topics.delete(topic);
    this.socket.unsubscribe(topic);
  }

  want(kind) {
    this.end(kind);
    this.requests[kind] = { topics: [], due: -1, patience: PATIENCE / 2 };
  }

  askReplay() {
    this.want("replay");
  }

  askBook() {
    this.bookAt = Infinity;
    if (this.hasBook) this.want("book");
  }

  wasHeard() {
    this.patience = this.quiet;
    this.checkAt = now() + this.patience;
  }

  // Whether anything was to be asked; one thing at a time. At dryAt all that had come was read: what was
  // not among it is late, and not only behind what this is too slow to read.
  ask(dryAt) {
    if ((this.inDoubt || dryAt > this.checkAt) && !this.requests.replay) {
      this.patience = Math.min(2 * this.patience, LONGEST_QUIET);
      this.checkAt = now() + this.patience;
      this.askReplay();
    }
    const kind = ["replay", "book"].find(kind => dryAt > this.requests[kind]?.due);
    if (!kind) return false;
    const { topics, ...request } = this.requests[kind];
    const patience = Math.min(2 * request.patience, LONGEST_PATIENCE);
    if (topics.length === 2) this.unsubscribe(topics.shift()); // a late answer is one, too
    const what = kind === "replay" ? `${this.name}/${this.next}` : this.name;
    const topic = `bridge.${kind}/${what}/${randomUUID()}`; // nobody else's: the answer comes under it
    this.requests[kind] = { topics: [...topics, topic], due: now() + patience, patience };
    this.subscribe(topic);
    if (kind === "replay") this.inDoubt = false;
    return true;
  }

  end(kind) {
    for (const topic of this.requests[kind]?.topics ?? []) this.unsubscribe(topic);
    delete this.requests[kind];
  }

  // The bridge says which it is.
  meet(epoch) {
    if (this.epoch !== 0 && this.epoch !== epoch) { // it was restarted: its sequences begin at 1
      note("epoch", this.name, epoch);
      Object.assign(this, { next: 1, holes: 0, waiting: [] });
      this.askReplay();
      this.askBook();
    }
    this.epoch = epoch;
  }

  take(topic, header, payload) {
    if (topic === this.name) this.onLive(header, payload);
    else if (this.requests.replay?.topics.includes(topic)) this.onReplayed(header, payload);
    else this.onBook(header, payload);
  }

  onBook(header, payload) {
    if (!payload) return; // none is in sync: as good as no answer
    const { asks, bids, horizon, lastUpdateId } = JSON.parse(payload);
    this.book = new Book(horizon);
    this.book.apply(asks, bids);
    if (!this.book.runsShort()) this.end("book"); // else as good as no answer, but right so far
    this.bookId = Number(lastUpdateId);
    this.bookAt = header.sequence;
    note("book", this.name, this.bookAt);
  }

  onLive(header, payload) {
    if (header.sequence >= this.next) this.waiting.push([header, payload]); // if less: known already
    if (this.waiting.length > MOST_WAITING) { // no replay comes: go on without
      this.end("replay");
      this.lose(this.waiting[0][0].sequence - 1);
    }
    this.catchUp();
  }

  // Delivers what follows; what is behind a hole waits for a replay.
  catchUp() {
    let taken = 0;
    for (; this.waiting[taken]?.[0].sequence <= this.next; ++taken)
      if (this.waiting[taken][0].sequence === this.next) this.deliver(...this.waiting[taken]);
    if (taken) this.waiting.splice(0, taken);
    if (!this.waiting.length || this.requests.replay) return;
    note("hole", this.name, this.next, this.waiting[0][0].sequence - 1);
    this.askReplay();
  }

  onReplayed(header, payload) {
    const ends = header.flags & END;
    let lastMissing = ends ? header.sequence : header.sequence - 1;
    if (this.waiting.length) { // a live one is not missing, and behind the end nothing comes before it
      const before = this.waiting[0][0].sequence - 1;
      lastMissing = ends ? before : Math.min(lastMissing, before);
    }
    if (lastMissing >= this.next) {
      // A replay has no holes: either it was lost on the way, or it is kept no more. Then another
      // replay lacks it too.
      if (++this.holes < 2) return this.askReplay();
      this.lose(lastMissing);
    }
    if (ends) {
      this.end("replay");
      // Is it spelled as the bridge spells it, and carried there?
      if (header.sequence === 0) note("unknown", this.name);
    } else {
      this.requests.replay.due = now() + this.requests.replay.patience;
      // After a reconnect in its middle it begins anew.
      if (header.sequence === this.next) this.deliver(header, payload);
    }
    this.catchUp();
  }

  lose(last) {
    note("lost", this.name, this.next, last);
    Object.assign(this, { next: last + 1, holes: 0 });
    if (last > this.bookAt) this.askBook();
  }

  deliver(header, payload) {
    Object.assign(this, { next: header.sequence + 1, holes: 0 });
    this.wasHeard();
    process.stdout.write(`${this.name} ${this.epoch} ${header.sequence} ${payload}\n`);
    // The exchange was away before.
    if (header.flags & FIRST && header.sequence > 1) note("reconnected", this.name, header.sequence);
    if (header.flags & GAP) note("gap", this.name, header.sequence);
    if (header.sequence <= this.bookAt) return;
    if (header.flags & GAP) return this.askBook();
    this.bookAt = header.sequence;
    try {
      const { a, b, u } = JSON.parse(payload).data;
      if (typeof u !== "number") throw new TypeError("no u");
      if (u <= this.bookId) return; // said before
      this.book.apply(a, b);
      this.bookId = u;
      // This one is right until the answer comes.
      if (this.book.runsShort() && !this.requests.book) this.want("book");
    } catch { // not as we know it: who knows what it has changed
      this.askBook();
    }
  }
}

function connect(endpoint, serverKey, keyFile) {
  const socket = new Subscriber({
    linger: 0,
    receiveHighWaterMark: 0, // what comes too fast waits here, where nothing is lost
    tcpKeepalive: 1, // the system notices a dead connection
    tcpKeepaliveIdle: 10, // seconds
    tcpKeepaliveInterval: 10,
    tcpKeepaliveCount: 3,
  });
  // Its sendHighWaterMark, which it hides. Subscriptions wait here: beyond it they would be thrown away.
  socket.setInt32Option(23, 0);
  if (serverKey) {
    const lines = readFileSync(keyFile, "utf8").trim().split("\n");
    const keys = Object.fromEntries(lines.map(line => line.split(/\s+/)));
    socket.curveServerKey = serverKey;
    socket.curvePublicKey = keys.public_key;
    socket.curveSecretKey = keys.secret_key;
  }
  socket.connect(endpoint);
  socket.subscribe("bridge.status");
  return socket;
}

async function main() {
  const text = { type: "string" };
  const { values: options, positionals: [endpoint, ...names] } = parseArgs({
    allowPositionals: true,
    options: {
      book: { type: "boolean" },
      quiet: { type: "string", default: "10" }, // seconds
      behind: { type: "string", default: "30" },
      "curve-server-key": text,
      "curve-secret-key-file": text,
    },
  });
  const socket = connect(endpoint, options["curve-server-key"], options["curve-secret-key-file"]);
  const topics = new Map();
  const streams = names.flatMap(argument => {
    const [, name, epoch = 0, sequence = 0] = /^(.*?)(?:@(\d+):(\d+))?$/.exec(argument);
    if (topics.has(name)) return []; // it has been named before
    const hasBook = options.book && name.startsWith("depth.");
    const quiet = 1000 * Number(options.quiet);
    return new Stream(socket, topics, name, Number(epoch), Number(sequence), hasBook, quiet);
  });

  let state = "connecting", told = state, epoch = 0, statuses = 0, isDry = false;
  let heard = now(), connected = heard, dryAt = heard, before = heard;
  const become = next => {
    if (next !== state) note("bridge", next);
    state = next;
  };
  const turn = () => {
    const time = now();
    if (epoch && (isDry || time > dryAt + 1000 * options.behind))
      dryAt = before; // if this was halted since, what has come is still on its way in
    before = time;
    if (time > heard + SILENCE) {
      become("silent");
      if (time > connected + SILENCE) { // its connection may be dead without a word
        socket.disconnect(endpoint);
        socket.connect(endpoint);
        connected = time;
      }
    }
    const asked = state === "silent" ? -1 : streams.findIndex(stream => stream.ask(dryAt));
    if (asked >= 0) streams.push(...streams.splice(asked, 1)); // the others' turn
  };
  const timer = setInterval(turn, PACE);
  const stop = () => (clearInterval(timer), socket.close());
  process.on("SIGTERM", stop).on("SIGINT", stop);

  try {
    for await (const [frame, payload, bytes] of socket) {
      if (socket.closed) break; // this one was on its way
      const header = decode(bytes), topic = String(frame);
      if (header.epoch !== epoch) {
        epoch = header.epoch;
        for (const stream of streams) stream.meet(epoch);
      }
      if (topic === "bridge.status") {
        told = JSON.parse(payload).state;
        if (statuses > 0 && header.sequence > statuses + 1) // who knows what was lost with them
          for (const stream of streams) stream.inDoubt = true;
        statuses = header.sequence;
      }
      // The whole topic: ZeroMQ matches prefixes.
      topics.get(topic)?.take(topic, header, String(payload));
      become(told); // whatever it says ends its silence
      heard = now();
      isDry = !socket.readable; // to be asked here alone: elsewhere it would keep the next from coming
      if (now() > before + PACE) turn(); // timers wait while there is something to read
    }
  } catch (error) { // a read that is under way fails where the socket is closed meanwhile
    if (!socket.closed) throw error;
  }
  for (const stream of streams)
    if (stream.bookAt !== Infinity)
      console.log(`bridge.book/${stream.name} ${stream.epoch} ${stream.bookAt} ${stream.book}`);
}

main();
