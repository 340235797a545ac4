// Concerns at the consumers, see concerns.js.

const BEHIND_FOR = 5e3;         // a consumer that catches its breath is not behind
const HIGH_QUEUE = 0.5;         // of what is allowed

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
