// The bridge's wall clock may be set while it runs. So the page reckons by its steady clock: in milliseconds since it
// started, and from the time on that the wall clock said then. That alone is compared and remembered; what the wall
// clock says is shown.

const MORE_THAN_ROUNDED = 10;

let wallAhead = 0;              // of that reckoning, when the bridge answered last
const reckoned = new Map();     // what the wall clock said, by where it stands → {said, at}

function forgetTimes() { reckoned.clear(); }

/** When it was what the wall clock said was `said`, as it stands at `place`: at `at`, when it is first seen, and so it
 *  stays, though the clock is set later, and durations are rounded. 0 is never. */
function reckon(place, said, at) {
  if (said === 0) return 0;
  const known = reckoned.get(place);
  if (known?.said === said) return known.at;
  reckoned.set(place, {said, at});
  return at;
}

/** Of a time without a duration, which is taken for one by the clock as it is set now. */
const reckonByClock = (place, said, now) => reckon(place, said, Math.min(now, said - wallAhead));

/** Of a time with a duration. Both may have been read while one was new and the other was not: that is seen next time. */
function reckonByAge(place, {last_message_ms: said, age_ms: age}, now) {
  const known = reckoned.get(place);
  if (known && Math.abs(known.at - (now - age)) > MORE_THAN_ROUNDED) reckoned.delete(place);
  return reckon(place, said, now - age);
}

function reckonEach(place, said, now) {
  return Object.fromEntries(Object.entries(said).map(([name, time]) => [name, reckonByClock(`${place} ${name}`, time, now)]));
}

function reckonStream(stream, now) {
  return {...stream, last_message_ms: reckonByAge(`message of ${stream.name}`, stream, now),
          last_gap_ms: reckonByClock(`gap of ${stream.name}`, stream.last_gap_ms, now)};
}

/** The status with every time so reckoned. */
function withReckonedTimes(status) {
  const now = status.epoch / 1000 + status.uptime_seconds * 1000;
  const loss = status.last_disconnect;
  wallAhead = status.time_ms - now;
  return {...status, time_ms: now,
          connected_ms: reckonByClock('connected', status.connected_ms, now),
          last_message_ms: reckonByAge('message', status, now),
          last_disconnect: loss && {...loss, time_ms: reckonByClock('disconnect', loss.time_ms, now)},
          last_slow_ms: reckonEach('slow', status.last_slow_ms, now),
          last_evicted_ms: reckonEach('evicted', status.last_evicted_ms, now),
          streams: status.streams.map(stream => reckonStream(stream, now))};
}
