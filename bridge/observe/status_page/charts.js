// Charts

const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 100;

function makeSvg(tag, className) {
  const node = document.createElementNS(SVG, tag);
  node.setAttribute('class', className);
  return node;
}

class Chart {
  /** `explanation`: what is left out of the title where there is no room. */
  constructor([title, explanation = ''], quantity, words) {
    this.quantity = quantity;
    this.words = words;
    const [card, head] = [make('div', 'card'), make('h2', '', title)];
    head.append(make('span', 'explanation', explanation));
    card.append(head, this.makeValue(), this.note = make('div', 'note faint'),
                this.makePicture(title + explanation), this.makeAxis());
    element('charts').append(card);
  }

  makeValue() {
    const line = make('div', 'big');
    line.append(this.value = make('span', 'value', '–'), ' ', this.unit = make('span', 'unit'));
    return line;
  }

  makePicture(title) {
    this.svg = makeSvg('svg', 'chart');
    this.svg.setAttribute('viewBox', `0 0 ${CHART_SPAN} ${HEIGHT}`);
    this.svg.setAttribute('preserveAspectRatio', 'none');
    this.svg.setAttribute('role', 'img');
    this.svg.setAttribute('aria-label', `${title} over the last five minutes`);
    this.svg.append(this.bad = makeSvg('path', 'bad'), this.area = makeSvg('path', 'area'),
                    this.curve = makeSvg('path', 'curve'));
    return this.svg;
  }

  makeAxis() {
    const line = make('div', 'axis faint');
    line.append(make('span', '', '5 min ago'), this.top = make('span'), make('span', '', 'now'));
    return line;
  }

  show(now, note) {
    const [text, unit] = this.words(current(this.quantity));
    setText(this.value, text);
    setText(this.unit, unit);
    setText(this.note, note);
    this.draw(now);
  }

  draw(now) {
    const start = now - CHART_SPAN;
    const segments = this.segments();
    const top = Math.max(...segments.flat().map(([, value]) => value), 1e-9) * 1.05;
    const place = ([at, value]) => `${Math.round(at - start)} ${(HEIGHT - Math.max(0, value) / top * HEIGHT).toFixed(1)}`;
    const curves = segments.map(segment => 'M' + segment.map(place).join('L'));
    setAttribute(this.curve, 'd', curves.join(''));
    setAttribute(this.area, 'd', curves.map((curve, i) => {
      const [[from], [to]] = [segments[i][0], segments[i].at(-1)];
      return `${curve}L${Math.round(to - start)} ${HEIGHT}L${Math.round(from - start)} ${HEIGHT}Z`;
    }).join(''));
    setAttribute(this.bad, 'd', badSpells(now).map(([from, to]) =>
      `M${Math.round(from - start)} 0H${Math.round(to - start)}V${HEIGHT}H${Math.round(from - start)}Z`).join(''));
    setText(this.top, segments.length ? `peak ${said(this.words(top / 1.05))}` : '');
  }

  /** The curve in pieces: it breaks where the bridge did not answer or there is nothing to tell. */
  segments() {
    const segments = [];
    let open = null;
    for (let i = 1; i < points.length; ++i) {
      const [from, to] = [points[i - 1], points[i]];
      const value = 'messages' in from && 'messages' in to && to.at > from.at ? this.quantity(from, to) : null;
      if (value === null) {
        open = null;
      } else if (open) {
        open.push([to.at, value]);
      } else {
        segments.push(open = [[from.at, value], [to.at, value]]);
      }
    }
    return segments;
  }
}

function badSpells(now) {
  const spells = [];
  points.forEach((point, i) => {
    if (point.level === 'red') spells.push([point.at, points[i + 1]?.at ?? now]);
  });
  return spells;
}

const orNone = words => value => value === null ? ['–', ''] : words(value);
const charts = {
  messages: new Chart(['Messages'], messageRate, orNone(value => [rate(value), 'per second'])),
  bytes: new Chart(['Data'], byteRate, orNone(value => { const [text, unit] = bytes(value); return [text, `${unit} per second`]; })),
  lag: new Chart(['Lag', ' behind the exchange, mean'], meanLag, milliseconds),
};

function lagNote(status) {
  const lag = current(meanLag);
  if (lag === null) return '';
  if (status.clock_offset_ms === null) return 'includes the clocks’ difference, unknown';
  return `${said(milliseconds(lag + status.clock_offset_ms))} after clock offset`;
}

function showCharts(status) {
  charts.messages.show(status.time_ms, `${count(status.received.messages)} in all`);
  charts.bytes.show(status.time_ms, `${said(bytes(status.received.bytes))} in all`);
  charts.lag.show(status.time_ms, lagNote(status));
}
