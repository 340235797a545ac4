// Concerns on the way, and at the exchange, see concerns.js.

const LATE_BY = 500;            // as BackpackBridgeLag has it
const SLOW_PING = 250;
const MANY_RECONNECTS = 3;      // within RECENT

// How long streams of a class may be quiet, by the measure of BackpackBridgeStreamStale. All others
// may be for good: liquidation, account.*, longer klines, stocks outside trading hours.
const QUIET_LIMITS = [
  [/^(bookTicker|depth|ticker|markPrice)[.].+$/, 40e3],
  [/^openInterest[.].+$/, 180e3],
  [/^(trade[.].+|kline[.][0-9]+[sm][.].+)$/, 3600e3],
];
const STOCK = /^.+[.]US_.+$/;

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
  if (stream.isOnDemand || stream.waiting || status.state !== 'live' || stream.state === 'rejected') return false;
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

function oddMessages(status) {
  if (risen('malformed', status) > 0) {
    return {word: 'malformed messages',
            advice: 'the exchange sends what the bridge cannot read, so keep ‘malformed message’ of the log and tell the developers'};
  }
  if (risen('otherErrors', status) === 0) return null;
  return {word: 'errors',
          advice: 'the exchange answers with errors, so read ‘error from the exchange’ in the log'};
}
