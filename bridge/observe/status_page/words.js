// Words for numbers

const integers = new Intl.NumberFormat('en', {maximumFractionDigits: 0});
const tenths = new Intl.NumberFormat('en', {minimumFractionDigits: 1, maximumFractionDigits: 1});

function count(number) { return integers.format(number); }

function rate(perSecond) {
  if (perSecond === null) return '–';
  return perSecond < 1000 ? tenths.format(perSecond) : integers.format(perSecond);
}

function scaled(value, units) {
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit + 1 < units.length) {
    value /= 1000;
    ++unit;
  }
  return [Math.abs(value) < 99.95 ? tenths.format(value) : integers.format(value), units[unit]];
}

/** A number and its unit, as the functions below give them, in one text. */
const said = words => words.join(' ').trim();

const bytes = value => scaled(value, ['B', 'kB', 'MB', 'GB', 'TB']);

function milliseconds(value) {
  if (value === null) return ['–', ''];
  if (Math.abs(value) >= 9999.5) return scaled(value / 1000, ['s']);
  return Math.abs(value) < 0.995 ? [value.toFixed(2), 'ms'] : scaled(value, ['ms']);
}

function duration(span) {
  const seconds = Math.max(0, Math.floor(span / 1000));
  const two = number => String(number).padStart(2, '0');
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${two(Math.floor(seconds / 60) % 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor(seconds / 3600) % 24} h`;
}

/** What the bridge's wall clock says, or would have said as it is set now, at a time of the page's reckoning. */
function clock(time) {
  const at = new Date(time + wallAhead);
  const day = at.toDateString() === new Date().toDateString() ? '' : at.toLocaleDateString('en-CA') + ' ';
  return day + at.toLocaleTimeString('en-GB');
}
