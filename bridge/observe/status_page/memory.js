// Times are milliseconds. What is compared with a time of the bridge is a time of the bridge, see times.js, so that
// no clock of whoever looks matters.

// Memory: what /status said, thinned out. A point without a status is a failed poll.

const CHART_SPAN = 5 * 60e3;
const CHART_STEP = 900;         // points closer than this are not kept

let points = [];
let latest = null;              // the newest status
let verdict = null;             // how things stand, see judge()
let rhythm = null;              // how often messages come, see learnRhythm()

function isOtherRun(status) { return latest !== null && latest.epoch !== status.epoch; }

function forgetEverything() {
  points = [];
  latest = verdict = rhythm = null;
  forgetConditions();
  forgetTimes();
  rows.forEach(row => { row.history = []; });
}

function remember(point) {
  const last = points[points.length - 1];
  const isDue = !last || point.at - last.at >= CHART_STEP || last.level !== point.level;
  if (isDue) points.push(point);
  while (points[0].at < point.at - CHART_SPAN) points.shift();
}

function pointOf(status, level) {
  return {at: status.time_ms, level, messages: status.received.messages, bytes: status.received.bytes,
          lagCount: status.lag.count, lagSum: status.lag.sum_seconds,
          forwardCount: status.forward.count, forwardSum: status.forward.sum_seconds,
          reconnects: status.reconnects, malformed: status.received.malformed, otherErrors: status.errors.other,
          refused: sum(status.auth_failures), turnedAway: sum(status.turned_away),
          jetstreamLost: status.jetstream?.lost ?? 0};
}

const sum = counts => Object.values(counts).reduce((a, b) => a + b, 0);

const perSecond = key => (from, to) => (to[key] - from[key]) / (to.at - from.at) * 1000;
const messageRate = perSecond('messages');
const byteRate = perSecond('bytes');

const mean = (countOf, sumOf) => (from, to) => {
  const messages = to[countOf] - from[countOf];
  return messages > 0 ? (to[sumOf] - from[sumOf]) / messages * 1000 : null;
};
const meanLag = mean('lagCount', 'lagSum');
const meanForward = mean('forwardCount', 'forwardSum');

/** A quantity over the last second or so; null where there is nothing to compare with. */
function current(quantity) {
  const to = pointOf(latest);
  const from = points.findLast(point => point.at <= to.at - CHART_STEP);
  return from && 'messages' in from ? quantity(from, to) : null;
}
