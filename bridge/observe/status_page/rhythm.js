// Is it silent, or just quiet? A minute without messages is a fault where hundreds a second are
// usual, and nothing where one an hour is. So the limit follows from what has been usual: the mean gap
// between messages, and the longest spell without any that ended by itself. Spells that counted as a
// fault teach nothing, unless they keep coming.

const RHYTHM_SPAN = 60e3;       // how far back the usual gap between messages is looked for
const FEW = 10;                 // messages from which on a mean means something
const SILENCE_AT_LEAST = 1000;
const SILENCE_IN_GAPS = 20;     // so many usual gaps in a row are no chance

function startRhythm(status) {
  const messages = status.received.messages;
  return {
    connection: status.connection,
    marks: [{at: status.last_message_ms, messages}],
    spells: [],
    faults: [],
    // Until this page has seen for itself: what was known before, or the mean since the bridge started.
    gap: rhythm?.gap ?? (messages > 0 ? (status.last_message_ms - status.epoch / 1000) / messages : null),
  };
}

/** `before`: the status before `status`, null where there is none. */
function learnRhythm(status, before) {
  if (rhythm?.connection !== status.connection) {
    rhythm = startRhythm(status);
    return;
  }
  if (before.last_message_ms === status.last_message_ms) return;
  const mark = {at: status.last_message_ms, messages: status.received.messages};
  if (before.last_message_ms === 0 || (verdict.isSilent && !isHabit(mark.at))) {
    rhythm.marks = [mark];
    rhythm.spells = [];
    return;
  }
  rhythm.marks.push(mark);
  rhythm.spells.push({at: mark.at, length: before.time_ms - before.last_message_ms});
  forgetOldRhythm(mark);
  const messages = mark.messages - rhythm.marks[0].messages;
  if (messages >= FEW) rhythm.gap = (mark.at - rhythm.marks[0].at) / messages;
}

/** Notes that a fault ended by itself at `at`; true where that has become usual. */
function isHabit(at) {
  rhythm.faults = rhythm.faults.filter(fault => fault > at - CHART_SPAN);
  return rhythm.faults.push(at) > 3;
}

function forgetOldRhythm(newest) {
  const {marks, spells} = rhythm;
  while (marks.length > 1 && marks[1].at <= newest.at - RHYTHM_SPAN && newest.messages - marks[1].messages >= FEW) marks.shift();
  while (spells.length > 0 && spells[0].at < marks[0].at) spells.shift();
}

/** How long nothing may come before that is a fault; null where only quiet streams are carried. */
function silenceLimit(status) {
  if (rhythm.gap === null) return null;
  const limit = Math.max(SILENCE_AT_LEAST, SILENCE_IN_GAPS * rhythm.gap,
                         ...rhythm.spells.map(spell => 2 * spell.length));
  return limit <= status.idle_timeout_ms ? limit : null;
}

function silence(status) { return status.time_ms - status.last_message_ms; }
