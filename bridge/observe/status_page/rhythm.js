// Is it silent, or just quiet? A minute without messages is a fault where hundreds a second are
// usual, and nothing where one an hour is. So the limit follows from what has been usual: the mean gap
// between messages, and the longest spell without any that ended by itself. Spells that counted as a
// fault teach nothing, unless they keep coming, nor do those between two connections.

const RHYTHM_SPAN = 60e3;       // how far back the usual gap between messages is looked for
const SPELLS_SPAN = 5 * 60e3;   // and the longest spell without any: what is rare takes longer to be seen
const ENOUGH = 50;              // messages from which on a mean gap says something
const WEEK = 7 * 86400e3;
// More than the second between two of the canary's, which may be all that comes between bursts; and
// little enough to be seen within two seconds.
const SILENCE_AT_LEAST = 1500;
const BEYOND_THE_LONGEST = 1.5; // for markets whose pauses are less regular than chance

function startRhythm(status) {
  const messages = status.received.messages;
  return {
    connection: status.connection,
    marks: [{at: status.last_message_ms, messages}],
    spells: [],
    faults: [],
    // Until this page has seen for itself: since the bridge started.
    usual: messages > 0 ? {span: status.last_message_ms - status.epoch / 1000, messages} : null,
  };
}

/** `before`: the status before `status`, null where there is none. */
function learnRhythm(status, before) {
  if (rhythm === null) {
    rhythm = startRhythm(status);
    return;
  }
  if (before.last_message_ms === status.last_message_ms) return;
  const mark = {at: status.last_message_ms, messages: status.received.messages};
  const isFault = rhythm.connection !== status.connection || (verdict.isSilent && !isHabit(mark.at));
  rhythm.connection = status.connection;
  if (before.last_message_ms === 0) {
    rhythm.marks = [mark];
    return;
  }
  learnSpell(mark.at, silence(before), isFault);
  rhythm.marks.push(mark);
  forgetOldRhythm(mark);
  const messages = mark.messages - rhythm.marks[0].messages;
  if (messages >= ENOUGH) rhythm.usual = {span: mark.at - rhythm.marks[0].at, messages};
}

/** Notes that a fault ended by itself at `at`; true where that has become usual. */
function isHabit(at) {
  rhythm.faults = rhythm.faults.filter(fault => fault > at - CHART_SPAN);
  return rhythm.faults.push(at) > 3;
}

function learnSpell(at, length, isFault) {
  const {marks, spells} = rhythm;
  if (!isFault) {
    spells.push({at, length});
    return;
  }
  // As if its time had not passed.
  for (const past of [...marks, ...spells]) past.at += length;
}

function forgetOldRhythm(newest) {
  const {marks, spells} = rhythm;
  while (marks.length > 1 && marks[1].at <= newest.at - RHYTHM_SPAN && newest.messages - marks[1].messages >= ENOUGH) marks.shift();
  while (spells.length > 0 && spells[0].at < Math.min(marks[0].at, newest.at - SPELLS_SPAN)) spells.shift();
}

const usualGap = () => rhythm.usual.span / rhythm.usual.messages;

/** The gap that comes about once a week where messages come independently of each other: beyond x mean gaps
 *  is a share of e^-x, or of (1 + x/n)^-n where the mean is that of but n. 1.6 s where ten a second come, 14 s
 *  where one does. */
function onceAWeek() {
  const {span, messages} = rhythm.usual;
  return span * Math.expm1(Math.log1p(WEEK / usualGap()) / messages);
}

/** How long nothing may come before that is a fault; null where only quiet streams are carried. */
function silenceLimit(status) {
  if (rhythm.usual === null) return null;
  const limit = Math.max(SILENCE_AT_LEAST, onceAWeek(),
                         ...rhythm.spells.map(spell => BEYOND_THE_LONGEST * spell.length));
  return limit <= status.idle_timeout_ms ? limit : null;
}

function silence(status) { return status.time_ms - status.last_message_ms; }
