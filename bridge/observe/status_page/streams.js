// Streams. A row keeps its place in the document unless the order changes.

const STREAM_RATE_SPAN = 10e3;

const STATE_SYMBOLS = {live: '●', requested: '○', waiting: '◌', rejected: '✕', cut: '–'};
const rows = new Map();         // by stream name
const body = document.querySelector('tbody');

/** While the exchange is away nothing is requested of it. */
function stateOf(stream) {
  if (latest.state !== 'live' && stream.state !== 'rejected') return 'cut';
  return stream.waiting ? 'waiting' : stream.state;
}

const STATE_WORDS = {cut: 'cut off'};

/** Whole seconds: rows that change and swap places with every message could not be read. */
function ageInSeconds(stream) {
  if (stream.last_message_ms === 0) return Infinity;
  return Math.max(0, Math.floor((latest.time_ms - stream.last_message_ms) / 1000));
}

function ageText(seconds) {
  if (seconds === Infinity) return 'never';
  if (seconds === 0) return '<1 s';
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86400)} d`;
}

/** A number that streams on demand do not have. */
const counted = number => number === undefined ? '–' : count(number);

/** The columns: what a row shows and by what it sorts. */
const COLUMNS = [
  {key: 'name', title: 'Stream', text: row => row.stream.name, value: row => row.stream.name},
  {key: 'state', title: 'State', text: row => row.state, value: row => row.state},
  {key: 'age', title: 'Age', text: row => row.stream.isOnDemand ? '–' : ageText(row.age), value: row => row.age},
  {key: 'rate', title: 'Per s', text: row => rate(row.rate), value: row => Math.round((row.rate ?? -1) * 10)},
  {key: 'messages', title: 'Messages', text: row => counted(row.stream.messages), value: row => row.stream.messages ?? -1},
  {key: 'gaps', title: 'Gaps', text: row => counted(row.stream.gaps), value: row => row.stream.gaps ?? -1},
  {key: 'missing', title: 'Missing', text: row => counted(row.stream.missing), value: row => row.stream.missing ?? -1},
  {key: 'subscribers', title: 'Listeners', hint: 'consumers that subscribe to exactly this stream, or to everything', text: row => counted(row.stream.subscribers), value: row => row.stream.subscribers ?? -1},
];
let order = {key: 'name', descending: false};

class Row {
  /** `cameAt`: when it was seen first; 0 where it may have been there for long. */
  constructor(stream, cameAt) {
    this.history = [];
    this.cameAt = cameAt;
    this.node = make('tr');
    this.cells = Object.fromEntries(COLUMNS.map(({key}) => [key, make('td', key)]));
    this.node.append(...Object.values(this.cells));
    this.makeName(stream);
    this.makeState();
  }

  makeName(stream) {
    this.cells.name.append(make('span', 'text', stream.name));
    if (stream.private) this.cells.name.append(make('span', 'tag', 'private'));
    if (stream.isOnDemand) this.cells.name.append(make('span', 'tag', 'on demand'));
    this.cells.name.append(this.why = make('span', 'why'));
  }

  makeState() {
    this.symbol = make('span', 'symbol');
    this.symbol.setAttribute('aria-hidden', 'true');
    this.word = make('span', 'word');
    this.cells.state.append(this.symbol, ' ', this.word);
  }

  take(stream) {
    this.stream = stream;
    this.state = stateOf(stream);
    if (stream.isOnDemand) {
      this.age = -1;  // below all that have one
      this.rate = null;
      return;
    }
    this.age = ageInSeconds(stream);
    // What it was before the outage says nothing now.
    if (this.state === 'cut') this.history = [];
    this.history.push({at: latest.time_ms, messages: stream.messages});
    while (this.history.length > 2 && this.history[1].at <= latest.time_ms - STREAM_RATE_SPAN) this.history.shift();
    const [from, to] = [this.history[0], this.history.at(-1)];
    this.rate = to.at > from.at ? messageRate(from, to) : null;
  }

  show() {
    const {stream, cells} = this;
    for (const {key, text} of COLUMNS.slice(2)) setText(cells[key], text(this));
    setText(this.why, stream.state === 'rejected' ? `${stream.code ?? ''} ${stream.message ?? ''}`.trim() : '');
    setText(this.symbol, STATE_SYMBOLS[this.state] ?? '?');
    setText(this.word, STATE_WORDS[this.state] ?? this.state);
    setAttribute(cells.state, 'class', `state ${this.state}`);
    setAttribute(cells.age, 'class', isStale(stream, latest) ? 'age some' : 'age');
    setAttribute(cells.gaps, 'class', stream.gaps > 0 ? 'gaps some' : 'gaps');
  }
}

/** Those configured, and those that consumers asked for, of which less is known. */
function allStreams(status) {
  return [...status.streams, ...(status.on_demand ?? []).map(stream => ({...stream, isOnDemand: true}))];
}

function takeStreams(status) {
  const streams = allStreams(status);
  const cameAt = points.length === 0 ? 0 : status.time_ms;
  for (const stream of streams) {
    if (!rows.has(stream.name)) rows.set(stream.name, new Row(stream, cameAt));
    rows.get(stream.name).take(stream);
  }
  if (rows.size === streams.length) return;
  const known = new Set(streams.map(stream => stream.name));
  for (const [name, row] of rows) {
    if (known.has(name)) continue;
    row.node.remove();
    rows.delete(name);
  }
}

const names = new Intl.Collator('en', {numeric: true});

function compare(a, b) { return typeof a === 'string' ? names.compare(a, b) : a < b ? -1 : a > b ? 1 : 0; }

function sorted(list) {
  const {value} = COLUMNS.find(({key}) => key === order.key);
  const sign = order.descending ? -1 : 1;
  return list.sort((a, b) => sign * compare(value(a), value(b)) || names.compare(a.stream.name, b.stream.name));
}

function isWanted(row) {
  const wanted = element('filter').value.trim().toLowerCase();
  return row.stream.name.toLowerCase().includes(wanted) || (STATE_WORDS[row.state] ?? row.state).includes(wanted);
}

function showStreams() {
  const shown = sorted([...rows.values()].filter(isWanted));
  shown.forEach(row => row.show());
  const isInOrder = shown.length === body.children.length && shown.every((row, i) => body.children[i] === row.node);
  if (!isInOrder) body.replaceChildren(...shown.map(row => row.node));
  setText(element('shown'), shown.length === rows.size ? count(rows.size) : `${count(shown.length)} of ${count(rows.size)}`);
  showOrder();
}

function showOrder() {
  for (const head of document.querySelectorAll('th')) {
    if (head.className !== order.key) head.removeAttribute('aria-sort');
    else head.setAttribute('aria-sort', order.descending ? 'descending' : 'ascending');
  }
}

/** First what is worth looking at: of words the first, of numbers the greatest. */
function sortBy(key) {
  const isWord = key === 'name' || key === 'state';
  order = {key, descending: order.key === key ? !order.descending : !isWord};
  showStreams();
}

function makeHeads() {
  for (const {key, title, hint = ''} of COLUMNS) {
    const [head, button] = [make('th', key), make('button', '', title)];
    head.scope = 'col';
    head.title = hint;
    button.type = 'button';
    button.addEventListener('click', () => sortBy(key));
    head.append(button);
    document.querySelector('thead tr').append(head);
  }
}
