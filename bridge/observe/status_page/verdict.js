// The verdict

const SHOW_LOSS = 3000;         // a loss that is mended at once would else go unseen

const SYMBOLS = {green: '●', amber: '▲', red: '✕'};

function lossText(status) {
  const loss = status.last_disconnect;
  return loss ? `connection lost at ${clock(loss.time_ms)} (${loss.reason})` : 'never connected since the start';
}

/** Where to look, by how the last attempt to connect ended. */
const WAY_BACK = {
  dns: 'the exchange’s name cannot be looked up, so see that this machine has network and DNS, then to the spelling of upstream.url',
  tcp: 'nothing answers at the exchange’s address, so see to network and firewall, then the exchange’s status page',
  timeout: 'the exchange does not answer in time, so see to network and firewall, then the exchange’s status page',
  proxy: 'the proxy lets nothing through, so see to upstream.proxy or HTTPS_PROXY, then who runs it',
  tls: 'no trusted TLS comes about, so see to this machine’s clock, its ca-certificates, then upstream.ca_file if a proxy in between re-signs',
  handshake: 'the exchange turns the bridge away or something else answers in its place, so see its status page, then upstream.url; ‘connect failed’ in the log has its words',
};

/** What to do about streams that were refused. */
function refusalAdvice(refused) {
  const [number, them] = refused.length === 1 ? ['one stream is', 'its name'] : [`${count(refused.length)} streams are`, 'their names'];
  return refused.some(stream => stream.code === 4003)
    ? `${number} refused with the log-in, so see to this machine’s clock, then the API key`
    : `${number} rejected, so compare ${them} in upstream.streams with the exchange’s markets`;
}

function unreadyAdvice(status) {
  const refused = status.streams.filter(stream => stream.state === 'rejected');
  if (refused.length > 0) return refusalAdvice(refused);
  if (status.reasons.some(reason => reason.startsWith('nothing received'))) {
    return 'nothing comes, not even answers to pings, so see to the network; the bridge is about to connect anew';
  }
  return 'streams are still being subscribed to, so wait';
}

function lossAdvice(status) {
  const cause = WAY_BACK[status.last_attempt];
  return cause ? `consumers get nothing because ${cause}` : 'consumers get nothing, and the bridge tries to connect again, so wait';
}

function liveAdvice(status) {
  if (status.last_message_ms === 0) return 'everything is subscribed to, so wait for the first message';
  const listeners = status.subscribers.public + status.subscribers.private;
  return listeners > 0 || status.jetstream ? 'messages flow, nothing to do' : 'messages flow, but nobody listens, so see whether consumers should';
}

/** What is the matter, the worst first: `word` and `advice` make one sentence; `since` in the bridge's
 *  time, unless that is not known. */
function judge(status) {
  const loss = status.last_disconnect;
  if (status.state !== 'live') forgetConditions();
  if (!status.alive) return {level: 'red', word: 'stuck', advice: 'the bridge no longer relays, so restart it', detail: ''};

  // Between two attempts the state alternates; it is one outage.
  const isLost = status.state === 'down' || (status.state !== 'live' && (loss || status.last_attempt !== 'ok'));
  if (isLost) {
    return {level: 'red', word: 'down', advice: lossAdvice(status), since: loss ? loss.time_ms : status.epoch / 1000,
            detail: lossText(status) + (status.state === 'connecting' ? '; connecting' : '; will try again')};
  }
  if (status.state !== 'live') {
    return {level: 'amber', word: 'connecting', advice: 'the first connection is being made, so wait', since: status.epoch / 1000, detail: ''};
  }

  const limit = silenceLimit(status);
  if (limit !== null && silence(status) >= limit) {
    return {level: 'red', word: 'silent', since: status.last_message_ms, isSilent: true,
            advice: 'connected, but the exchange sends nothing, so see its status page; if its markets trade and this lasts for minutes, restart the bridge',
            detail: `no message since ${clock(status.last_message_ms)}; usual is one every ${said(milliseconds(usualGap()))}`};
  }
  if (loss && status.time_ms - loss.time_ms < SHOW_LOSS) {
    return {level: 'red', word: 'interrupted', advice: 'connected again, but messages were lost, so see that consumers rebuild their books',
            since: loss.time_ms, detail: `${lossText(status)}; connected again`};
  }
  const found = concerns(status);
  if (!status.ready) return {level: 'amber', word: 'not ready', advice: unreadyAdvice(status), detail: '', also: found};
  if (found.length > 0) {
    // For how long it has been so, a page that has just been opened cannot tell.
    return {level: 'amber', detail: '', since: verdict ? undefined : status.time_ms, ...found[0], also: found.slice(1)};
  }
  if (status.last_message_ms > 0 && silence(status) >= status.idle_timeout_ms) {
    return {level: 'amber', word: 'quiet', since: status.last_message_ms,
            advice: 'no stream has had anything to say, so see whether their markets trade', detail: 'connected'};
  }
  return {level: 'green', word: 'live', advice: liveAdvice(status), detail: ''};
}

/** Why there is no status: the words for each kind of failure that ask() has. */
const NO_STATUS = {
  unreachable: {word: 'bridge unreachable', advice: 'what stands below is old, so see whether its process runs and can be reached from here'},
  late: {word: 'no answer', advice: 'what stands below is old, so see whether the bridge’s process hangs, and restart it if so, then to the way to it'},
  strange: {word: 'no bridge', advice: 'what answers at this address is not the bridge, so see what else listens there, or a proxy in between'},
};

function withoutStatus(failure) {
  const {word, advice} = NO_STATUS[failure.kind];
  return {level: 'red', word, advice, isOutdated: true, isSilent: verdict?.isSilent,
          since: verdict?.isOutdated ? verdict.since : latest?.time_ms, detail: failure.message};
}

/** The bridge has answered; it is this page that fails. */
function pageFault(error) {
  return {level: 'amber', word: 'page fault', advice: 'the bridge answers, but this page cannot show it, so reload it; should that not help, read /status and tell the developers',
          isOutdated: true, isSilent: verdict?.isSilent, detail: error.message};
}

/** Takes over the verdict; since when it holds is found out here where judge() cannot tell. */
function pass(next, now) {
  next.since ??= heldSince(next, now);
  verdict = next;
}

function heldSince(next, now) {
  if (verdict?.word === next.word) return verdict.since;
  if (verdict || !latest) return now;
  return latest.last_disconnect?.time_ms ?? latest.epoch / 1000;
}

function showVerdict(now) {
  const {level, word, advice, since, detail} = verdict;
  setAttribute(element('banner'), 'data-level', level);
  setText(element('symbol'), SYMBOLS[level]);
  setText(element('word'), word);
  setText(element('advice'), `: ${advice}.`);
  setText(element('since'), [`for ${duration(now - since)}, since ${clock(since)}`, detail].filter(Boolean).join(' · '));
  document.title = `${SYMBOLS[level]} ${word} – backpack-bridge`;
  document.body.classList.toggle('outdated', Boolean(verdict.isOutdated));
  // That it is not connected has been said.
  showReasons(verdict.isOutdated || latest.state !== 'live' ? []
    : [...latest.reasons, ...(verdict.also ?? []).map(other => `${other.word}: ${other.advice}`)]);
}

function showReasons(reasons) {
  const list = element('reasons');
  while (list.children.length > reasons.length) list.lastChild.remove();
  while (list.children.length < reasons.length) list.append(make('li'));
  reasons.forEach((reason, i) => setText(list.children[i], reason));
}
