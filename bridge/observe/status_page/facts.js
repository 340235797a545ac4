// Facts. What is null has no place on the page: there is no such thing here.

const timesAtEach = counts => sum(counts) > 0 ? `${count(counts.public)} × public, ${count(counts.private)} × private` : 'none';

const ofJetStream = words => status => status.jetstream ? words(status.jetstream) : null;

const FACTS = {
  'Connection': status => `no. ${status.connection}`,
  'Reconnects': status => count(status.reconnects),
  'Last disconnect': status => status.last_disconnect
    ? `${status.last_disconnect.reason}, ${duration(status.time_ms - status.last_disconnect.time_ms)} ago` : 'none',
  'Ping round trip': status => said(milliseconds(status.ping_rtt_ms)),
  'Clock offset': status => said(milliseconds(status.clock_offset_ms)),
  'Subscribers': status => `${status.subscribers.public} public, ${status.subscribers.private} private`,
  'Queued': status => status.queued_bytes > 0 ? `${said(bytes(status.queued_bytes))} for consumers` : 'nothing',
  'Slow consumers': status => timesAtEach(status.slow_episodes),
  'Evicted consumers': status => timesAtEach(status.evicted),
  'JetStream': ofJetStream(sink => sink.connected ? 'connected' : 'not connected'),
  'Stored in JetStream': ofJetStream(sink => count(sink.acknowledged)),
  'Waiting for JetStream': ofJetStream(sink => sink.pending > 0 ? count(sink.pending) : 'nothing'),
  'Lost to JetStream': ofJetStream(sink => sink.lost > 0 ? count(sink.lost) : 'nothing'),
  'Malformed messages': status => count(status.received.malformed),
  'Errors': status => Object.entries(status.errors).filter(([, number]) => number > 0)
    .map(([code, number]) => `${count(number)} × ${code}`).join(', ') || 'none',
  'Uptime': status => duration(status.uptime_seconds * 1000),
};

const facts = Object.entries(FACTS).map(([name, words]) => {
  const [pair, value] = [make('div'), make('dd')];
  pair.append(make('dt', '', name), value);
  element('facts').append(pair);
  return {pair, value, words};
});

function showFacts(status) {
  for (const {pair, value, words} of facts) {
    const text = words(status);
    pair.hidden = text === null;
    setText(value, text ?? '');
  }
  setText(element('version'), status.version);
  setText(element('as-of'), clock(status.time_ms));
}
