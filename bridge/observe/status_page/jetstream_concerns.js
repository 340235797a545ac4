// Concerns at the sink to NATS JetStream, where there is one, see concerns.js. ZeroMQ's consumers have
// everything all the same.

const AWAY_FOR = 10e3;          // a server that restarts, or a cluster that chooses a leader, is not away

const isLosing = reason => reason.startsWith('losing');

function losingJetStream(status) {
  const sink = status.jetstream;
  if (!sink || !(sink.reasons.some(isLosing) || risen('jetstreamLost', status) > 0)) return null;
  return {word: 'JetStream loses', detail: `${count(sink.lost)} messages lost to JetStream`,
          advice: sink.connected
            ? 'its consumers see holes in Bridge-Sequence, so see whether its disks or the network are too slow, or its max_payload too small'
            : 'no NATS server takes its messages and no more can wait, so mend the server or the way to it, then raise publish.jetstream.max_pending, which helps up to 256 MiB'};
}

function awayJetStream(status) {
  const sink = status.jetstream;
  const lasts = lastsFor('jetstream', Boolean(sink) && !sink.connected, status.time_ms);
  if (lasts < AWAY_FOR || losingJetStream(status)) return null;
  return {word: 'JetStream away', since: begun.get('jetstream'), detail: sink.reasons.join(' · '),
          advice: 'no NATS server takes its messages, so mend the server or the way to it before more than publish.jetstream.max_pending or 256 MiB wait'};
}
