// What deserves attention though messages flow. Each concern says what is wrong, where, and what to do:
// `word` and `advice` make one sentence, without numbers that tick. What passed longer than RECENT ago
// is none any more; what comes and goes by nature is one only once it lasts.

const RECENT = 5 * 60e3;
const BEHIND_FOR = 5e3;         // a consumer that catches its breath is not behind
const OUT_OF_SYNC_FOR = 30e3;   // a book waits for its snapshot and the messages behind it
const CLOCK_UNKNOWN_FOR = 10 * 60e3;
const LATE_BY = 500;            // as BackpackBridgeLag has it
const SLOW_BY = 5;              // as BackpackBridgeForwardingSlow has it
const DELAY_SPAN = 30e3;
const SLOW_PING = 250;
const MANY_RECONNECTS = 3;      // within RECENT
const HIGH_QUEUE = 0.5;         // of what is allowed
const NAMED = 2;                // streams or consumers in one sentence

// How long streams of a class may be quiet, by the measure of BackpackBridgeStreamStale. All others
// may be for good: liquidation, account.*, longer klines, stocks outside trading hours.
const QUIET_LIMITS = [
  [/^(bookTicker|depth|ticker|markPrice)[.].+$/, 40e3],
  [/^openInterest[.].+$/, 180e3],
  [/^(trade[.].+|kline[.][0-9]+[sm][.].+)$/, 3600e3],
];
const STOCK = /^.+[.]US_.+$/;

// ---- What holds for how long. /status tells how things are, not since when.

const begun = new Map();        // when this page first saw what lasts

function forgetConditions() { begun.clear(); }

/** For how long `holds` has been true of what is called `key`, as far as this page has seen. */
function lastsFor(key, holds, now) {
  if (!holds) {
    begun.delete(key);
    return 0;
  }
  if (!begun.has(key)) begun.set(key, now);
  return now - begun.get(key);
}

const isRecent = (time, now) => time > 0 && now - time < RECENT;

/** By how much a count of pointOf() has risen within RECENT, as far as this page has seen. */
function risen(key, status) {
  const oldest = points.find(point => key in point);
  return oldest ? pointOf(status)[key] - oldest[key] : 0;
}

// ---- Words

function list(names) {
  const shown = names.slice(0, NAMED).join(' and ');
  return names.length > NAMED ? `${names.slice(0, NAMED).join(', ')} and ${count(names.length - NAMED)} more` : shown;
}

const endpoints = counts => Object.keys(counts).filter(name => counts[name] > 0);
const newest = times => Math.max(...Object.values(times));

// ---- Consumers

function behind(status) {
  const consumers = status.consumers ?? [];
  const seen = new Set();
  const late = consumers.filter(consumer => {
    const key = `behind ${consumer.endpoint} ${consumer.address} ${consumer.since_ms}`;
    seen.add(key);
    return lastsFor(key, consumer.behind, status.time_ms) >= BEHIND_FOR;
  });
  for (const key of begun.keys()) if (key.startsWith('behind ') && !seen.has(key)) begun.delete(key);
  return late.map(consumer => consumer.address);
}

function evictedConsumer(status) {
  const at = newest(status.last_evicted_ms);
  if (!isRecent(at, status.time_ms)) return null;
  const where = endpoints(status.last_evicted_ms).filter(name => isRecent(status.last_evicted_ms[name], status.time_ms));
  return {word: 'consumer evicted', since: at,
          advice: `a consumer of the ${where.join(' and ')} endpoint did not read and was disconnected, so find it by ‘evicted’ in the log and restart it or give it CPU`};
}

function losingConsumer(status) {
  const at = newest(status.last_slow_ms);
  if (!isRecent(at, status.time_ms)) return null;
  const where = endpoints(status.last_slow_ms).filter(name => isRecent(status.last_slow_ms[name], status.time_ms));
  return {word: 'consumer too slow', since: at,
          advice: `a consumer of the ${where.join(' and ')} endpoint lost messages, so find it by ‘slow consumer’ in the log and restart it or give it CPU`};
}

function lateConsumer(status) {
  const late = behind(status);
  if (late.length === 0) return null;
  const [are, they] = late.length === 1 ? ['consumer', 'it does'] : ['consumers', 'they do'];
  return {word: 'consumer behind',
          advice: `the ${are} at ${list(late)} cannot keep up, so see why ${they} not read before messages are lost`};
}

function highQueue(status) {
  if (status.queued_bytes < HIGH_QUEUE * status.queue_limit_bytes) return null;
  return {word: 'consumers behind',
          advice: 'more than half of publish.queue_bytes waits for consumers, so find who does not read before the one furthest behind is disconnected'};
}

function refusedConsumer(status) {
  if (risen('turnedAway', status) > 0) {
    return {word: 'consumers turned away',
            advice: 'there are too many connections or subscriptions, so find who makes them by ‘turned away’ in the log'};
  }
  if (risen('refused', status) === 0) return null;
  return {word: 'consumer refused',
          advice: 'somebody came without a key that is allowed, so see ‘refused’ in the log, whether it is a consumer of yours with an old key'};
}

// ---- The bridge and its machine

function slowBridge(status) {
  const taken = usual(meanForward, status);
  if (taken === null || taken <= SLOW_BY) return null;
  return {word: 'bridge slow',
          advice: 'messages take milliseconds through the bridge, so see what else takes this machine’s CPU, or a log level below info'};
}

function wrongClock(status) {
  const offset = status.clock_offset_ms;
  if (offset === null) {
    // What was unknown when this page first asked may have been since the start.
    if (points.length === 0) begun.set('clock', status.epoch / 1000);
    if (lastsFor('clock', true, status.time_ms) < CLOCK_UNKNOWN_FOR) return null;
    return {word: 'clock unknown',
            advice: 'the exchange’s time cannot be asked, so see to upstream.rest_url and the firewall'};
  }
  lastsFor('clock', false, status.time_ms);
  if (Math.abs(offset) <= status.clock_tolerance_ms) return null;
  return {word: 'clock off',
          advice: `the clock of the bridge’s machine is ${said(milliseconds(Math.abs(offset)))} ${offset > 0 ? 'behind' : 'ahead of'} the exchange’s, so make it follow NTP, or log-ins will be refused`};
}

function lostBooks(status) {
  const lost = status.streams.filter(stream => {
    const lasts = lastsFor(`book ${stream.name}`, stream.book === 'syncing', status.time_ms);
    // A market in which nothing happens gives nothing to join a snapshot with.
    return lasts >= OUT_OF_SYNC_FOR && stream.last_message_ms > status.time_ms - OUT_OF_SYNC_FOR;
  });
  if (lost.length === 0) return null;
  return {word: 'book out of sync',
          advice: `the bridge has no book of ${list(lost.map(stream => stream.name))} to give to consumers, so see ‘book snapshot failed’ and ‘book lost’ in the log`};
}

// ---- The way, and the exchange

function unsteadyConnection(status) {
  if (risen('reconnects', status) < MANY_RECONNECTS) return null;
  const {reason} = status.last_disconnect ?? {reason: 'reset'};
  return {word: 'unsteady', advice: `the connection is lost again and again, ${UNSTEADY[reason] ?? UNSTEADY.reset}`};
}

const UNSTEADY = {
  reset: 'last by the network (reset), so see to it, then that consumers rebuild their books',
  idle: 'last since nothing came through the network (idle), so see to it, then that consumers rebuild their books',
  closed: 'last by the exchange (closed), so see its status page, then that consumers rebuild their books',
  mute: 'last since the exchange sent no data (mute), so see its status page, then that consumers rebuild their books',
  oversized: 'last for a message beyond upstream.max_message_bytes (oversized), so raise that',
  protocol: 'last for what is no WebSocket (protocol), so see whether a proxy is in between, and tell the developers',
};

/** A reconnect costs ids, and a stream may show that only minutes later: not the exchange's fault. */
function isExplained(stream, status) {
  const after = stream.last_gap_ms - status.connected_ms;
  return status.connection > 1 && after >= 0 && after < RECENT;
}

function skippedMessages(status) {
  const torn = status.streams.filter(stream => isRecent(stream.last_gap_ms, status.time_ms) && !isExplained(stream, status));
  if (torn.length === 0) return null;
  return {word: 'gap', since: Math.max(...torn.map(stream => stream.last_gap_ms)),
          advice: `the exchange skipped messages of ${list(torn.map(stream => stream.name))}, so see that consumers rebuild what they made of them (flag 2)`};
}

function quietLimit(name) {
  if (STOCK.test(name)) return Infinity;
  return QUIET_LIMITS.find(([pattern]) => pattern.test(name))?.[1] ?? Infinity;
}

/** Since when it could have said something. */
function quietSince(stream, status) {
  return Math.max(stream.last_message_ms, status.connected_ms, rows.get(stream.name)?.cameAt ?? 0);
}

function isStale(stream, status) {
  if (stream.isOnDemand || status.state !== 'live' || stream.state === 'rejected') return false;
  return status.time_ms - quietSince(stream, status) > quietLimit(stream.name);
}

function staleStreams(status) {
  const stale = status.streams.filter(stream => isStale(stream, status));
  if (stale.length === 0) return null;
  const markets = stale.length === 1 ? 'its market trades' : 'their markets trade';
  return {word: stale.length === 1 ? 'stream stale' : 'streams stale', since: Math.min(...stale.map(stream => quietSince(stream, status))),
          advice: `nothing comes on ${list(stale.map(stream => stream.name))} while others flow, so see on the exchange’s site whether ${markets}; if so, restart the bridge`};
}

function lateMessages(status) {
  const lag = usual(meanLag, status);
  if (lag === null || lag + (status.clock_offset_ms ?? 0) <= LATE_BY) return null;
  const ping = status.ping_rtt_ms;
  if (ping !== null && ping > SLOW_PING) {
    return {word: 'late', advice: 'messages are more than half a second old when they arrive, and pings are slow too, so see to the network on the way to the exchange'};
  }
  return {word: 'late', advice: `messages are more than half a second old when they arrive${ping === null ? '' : ', though pings are quick'}, so see the exchange’s status page, then the network and the bridge’s CPU`};
}

/** What a mean has mostly been lately: the old events that greet a subscription count for nothing. */
function usual(quantity, status) {
  const recent = [...points.filter(point => point.at > status.time_ms - DELAY_SPAN && 'messages' in point), pointOf(status)];
  const values = recent.slice(1).map((to, i) => quantity(recent[i], to)).filter(value => value !== null);
  return values.length < FEW ? null : values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function oddMessages(status) {
  if (risen('malformed', status) > 0) {
    return {word: 'malformed messages',
            advice: 'the exchange sends what the bridge cannot read, so keep ‘malformed message’ of the log and tell the developers'};
  }
  if (risen('otherErrors', status) === 0) return null;
  return {word: 'errors',
          advice: 'the exchange answers with errors, so read ‘error from the exchange’ in the log'};
}

// The most serious first: who lost messages, who may lose some, what is wrong, what may be.
const CONCERNS = [unsteadyConnection, evictedConsumer, losingConsumer, skippedMessages, lostBooks, lateConsumer, highQueue,
                  staleStreams, wrongClock, lateMessages, slowBridge, oddMessages, refusedConsumer];

function concerns(status) {
  return CONCERNS.map(concern => concern(status)).filter(found => found !== null);
}
