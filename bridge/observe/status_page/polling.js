// Asking the bridge, one request at a time

const POLL = 1000;
const PATIENCE = 2000;          // for an answer of the bridge
const SOONEST_POLL = 50;

/** Why there is no status; `kind` is one of NO_STATUS. */
class Failure extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }

  static of(error) {
    if (error instanceof Failure) return error;
    if (error.name === 'TimeoutError') return new Failure('late', `no answer within ${PATIENCE / 1000} s`);
    return new Failure('unreachable', error.message);
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function checked(status) {
  if (typeof status?.time_ms !== 'number' || !Array.isArray(status.streams)) throw new Failure('strange', 'the answer is no status of a bridge');
  return status;
}

/** The status; throws a Failure where there is none. */
async function ask() {
  try {
    const answer = await fetch('status', {cache: 'no-store', signal: AbortSignal.timeout(PATIENCE)});
    if (!answer.ok) throw new Failure('strange', `HTTP status ${answer.status}`);
    return checked(parsed(await answer.text()));
  } catch (error) {
    throw Failure.of(error);
  }
}

function onStatus(status) {
  if (isOtherRun(status)) forgetEverything();
  status = withReckonedTimes(status);
  learnRhythm(status, latest);
  latest = status;
  takeStreams(status);
  pass(judge(status), status.time_ms);
  remember(pointOf(status, verdict.level));
  showVerdict(status.time_ms);
  showCharts(status);
  showFacts(status);
  showStreams();
}

let answeredAt = null;          // by this page's own steady clock

/** The bridge's time now, as far as can be told without it; else one that no step of a clock moves either. */
function guessedTime() {
  return latest ? latest.time_ms + performance.now() - answeredAt : performance.timeOrigin + performance.now();
}

function onFailure(failure) {
  const now = guessedTime();
  pass(withoutStatus(failure), now);
  remember({at: now, level: 'red'});
  showVerdict(now);
  if (latest) Object.values(charts).forEach(chart => chart.draw(now));
}

/** Says so, and lets the next status try again. */
function onPageFault(error, now) {
  console.error(error);
  pass(pageFault(error), now);
  showVerdict(now);
}

/** A second; less where the next silent moment would count as a fault before that. */
function untilNextPoll() {
  if (verdict.level === 'red' || verdict.isOutdated || latest.state !== 'live') return POLL;
  const limit = silenceLimit(latest);
  if (limit === null) return POLL;
  return Math.min(POLL, Math.max(SOONEST_POLL, limit - silence(latest) + SOONEST_POLL));
}

let timer = null;               // null while a request is under way

async function poll() {
  clearTimeout(timer);
  timer = null;
  try {
    takeAnswer(await ask());
  } catch (failure) {
    onFailure(failure);
  }
  timer = setTimeout(poll, untilNextPoll());
}

function takeAnswer(status) {
  answeredAt = performance.now();
  try {
    onStatus(status);
  } catch (error) {
    onPageFault(error, guessedTime());
  }
}

makeHeads();
element('filter').addEventListener('input', () => { if (latest) showStreams(); });
// Browsers let hidden pages sleep.
document.addEventListener('visibilitychange', () => { if (!document.hidden && timer !== null) poll(); });
poll();
