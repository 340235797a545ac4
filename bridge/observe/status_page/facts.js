// Facts

const timesAtEach = counts => sum(counts) > 0 ? `${count(counts.public)} × public, ${count(counts.private)} × private` : 'none';

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
  'Malformed messages': status => count(status.received.malformed),
  'Errors': status => Object.entries(status.errors).filter(([, number]) => number > 0)
    .map(([code, number]) => `${count(number)} × ${code}`).join(', ') || 'none',
  'Uptime': status => duration(status.uptime_seconds * 1000),
};

const facts = Object.entries(FACTS).map(([name, words]) => {
  const [pair, value] = [make('div'), make('dd')];
  pair.append(make('dt', '', name), value);
  element('facts').append(pair);
  return {value, words};
});

function showFacts(status) {
  facts.forEach(fact => setText(fact.value, fact.words(status)));
  setText(element('version'), status.version);
  setText(element('as-of'), clock(status.time_ms));
}
