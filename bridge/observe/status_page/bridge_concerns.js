// Concerns in the bridge and on its machine, see concerns.js.

const SLOW_BY = 5;              // as BackpackBridgeForwardingSlow has it
const CLOCK_UNKNOWN_FOR = 10 * 60e3;
const OUT_OF_SYNC_FOR = 30e3;   // a book waits for its snapshot and the messages behind it

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
