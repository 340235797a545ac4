"""A chart for README: bars, an SVG without outside assets, legible on white and on black."""

from xml.sax.saxutils import escape

import cost
from latency import load_name
from pacing import BURSTS, ONE_BY_ONE

WIDTH = 760
LABEL = 300  # where bars begin
NAME = 210  # room behind the longest
BAR = 16
GAP = 6
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; }
.value { font-size: 12px; }
rect { fill: #8250df; }
.floor { fill: #8c959f; } .bridge { fill: #0969da; } .guide { fill: #bf8700; } .node { fill: #1a7f37; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  rect { fill: #a371f7; }
  .bridge { fill: #58a6ff; } .guide { fill: #d29922; } .node { fill: #3fb950; }
}
"""


def _bars(table, number):
    return {row: {name: values[number] for name, values in bars.items() if number in values}
            for row, bars in table.items()}


def _cost(table):
    """Apart from the peers: beside theirs all others' bars are short."""
    groups = _bars(table, "cpu_us")
    loads = (cost.ALONE_FULL_SPEED, cost.ONE_FULL_SPEED, cost.ONE, cost.ONE_APART, cost.ONE_IDLE, cost.EIGHT)
    yield "CPU time a message, µs", {
        load.name: {name: groups[load.name][name] for name in ("floor", "bridge")} for load in loads}
    beside_peers = {load: bars for load, bars in groups.items() if len(bars) > 2}
    if beside_peers:
        yield "CPU time a message beside what one would write instead, µs", beside_peers


def _latency(table):
    for rate, pacing in ((10_000, ONE_BY_ONE), (10_000, BURSTS)):
        load = load_name(rate, pacing)
        row = table[load]
        yield f"Latency, {load}, µs", {
            quantile: {name: row[name][quantile] for name in ("floor", "bridge")} for quantile in ("p50", "p99")}


def _memory(table):
    megabytes = {key: {"bridge": table["bridge"][key] / 1e6} for key in ("at_rest", "history_full", "later")}
    yield f"Resident memory with {table['streams']:,} streams, MB", {
        key.replace("_", " "): bars for key, bars in megabytes.items()}


def _readiness(table):
    yield "Time to the first message, ms", {
        label: {name: value["ms"] for name, value in table[key].items()}
        for label, key in (("after a start", "start"), ("after the connection was cut", "drop"))}


def _scraping(table):
    yield f"Latency p99 with {table['streams']:,} streams, µs", {
        label: {"bridge": table[key]["p99"]} for label, key in
        (("not scraped", "without"), ("scraped ten times a second", "scraped"),
         ("another bridge scraped so", "another_scraped"))}


def _jetstream(table):
    yield "CPU time a message with JetStream and without, µs", _bars(table["load"], "cpu_us")


# Measurement → what yields its panels: a title, and groups, which are labels and bars: subject → value.
PANELS = {
    "cost": _cost,
    "builds": lambda table: [("CPU time a message beside another build, µs", _bars(table, "cpu_us"))],
    "rate": lambda table: [("Sustained without loss into one consumer, messages a second", {
        "": {name: value["per_second"] for name, value in table.items()}})],
    "latency": _latency,
    "streams": lambda table: [("CPU time a message by number of streams, µs", {
        f"{int(count):,} streams": bars for count, bars in _bars(table, "cpu_us").items()})],
    "deflate": lambda table: [("CPU time a message by permessage-deflate, µs", _bars(table, "cpu_us"))],
    "memory": _memory, "readiness": _readiness, "scraping": _scraping, "jetstream": _jetstream}


def _panels(results):
    for measurement, panels in PANELS.items():
        if measurement in results:
            yield from panels(results[measurement])


def _panel(title, groups, top):
    """The elements, and where they end."""
    greatest = max((value for bars in groups.values() for value in bars.values()), default=0) or 1
    parts = [f'<text class="title" x="8" y="{top + 14}">{escape(title)}</text>']
    y = top + 26
    for label, bars in groups.items():
        parts.append(f'<text x="8" y="{y + BAR - 3}">{escape(label)}</text>')
        for name, value in bars.items():
            width = max(1, (WIDTH - LABEL - NAME) * value / greatest)
            text = f"{value:,.0f}" if value >= 100 else f"{value:.2g}" if value < 1 else f"{value:.1f}"
            parts.append(f'<rect class="{name.replace(" ", "-")}" x="{LABEL}" y="{y}" width="{width:.1f}" '
                         f'height="{BAR}" rx="2"/>'
                         f'<text class="value" x="{LABEL + width + 6:.1f}" y="{y + BAR - 4}">'
                         f"{text} {escape(name)}</text>")
            y += BAR + 2
        y += GAP
    return parts, y + GAP


def svg(results):
    parts, y = [], 4
    for title, groups in _panels(results):
        panel, y = _panel(title, groups, y)
        parts += panel
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" '
            f'height="{y}" role="img" aria-label="Benchmark of backpack-bridge">\n'
            f"<style>{STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n")
