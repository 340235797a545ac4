// What holds for how long, and what has been lately. /status tells how things are, not since when.

const RECENT = 5 * 60e3;
const DELAY_SPAN = 30e3;
const FEW = 10;                 // means from which on it can be told what they mostly are
const NAMED = 2;                // streams or consumers in one sentence

const begun = new Map();        // when this page first saw what lasts

function forgetConditions() { begun.clear(); }

/** For how long `holds` has been true of what is called `key`, as far as this page has seen. */
function lastsFor(key, holds, now) {
  if (!holds) {
    begun.delete(key);
    return 0;
  }
  if (!begun.has(key)) begun.set(key, now);
  return now - begun.get(key);
}

const isRecent = (time, now) => time > 0 && now - time < RECENT;

/** By how much a count of pointOf() has risen within RECENT, as far as this page has seen. */
function risen(key, status) {
  const oldest = points.find(point => key in point);
  return oldest ? pointOf(status)[key] - oldest[key] : 0;
}

/** What a mean has mostly been lately: the old events that greet a subscription count for nothing. */
function usual(quantity, status) {
  const recent = [...points.filter(point => point.at > status.time_ms - DELAY_SPAN && 'messages' in point), pointOf(status)];
  const values = recent.slice(1).map((to, i) => quantity(recent[i], to)).filter(value => value !== null);
  return values.length < FEW ? null : values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function list(names) {
  const shown = names.slice(0, NAMED).join(' and ');
  return names.length > NAMED ? `${names.slice(0, NAMED).join(', ')} and ${count(names.length - NAMED)} more` : shown;
}

const endpoints = counts => Object.keys(counts).filter(name => counts[name] > 0);
const newest = times => Math.max(...Object.values(times));
