"""A chart for README: bars, an SVG without outside assets, legible on white and on black."""

from xml.sax.saxutils import escape

import cost
from latency import load_name
from pacing import ONE_BY_ONE

WIDTH = 760
LABEL = 300  # where bars begin
BAR = 16
GAP = 6
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; }
.value { font-size: 12px; }
.floor { fill: #8c959f; } .bridge { fill: #0969da; } .guide { fill: #bf8700; } .node { fill: #1a7f37; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .bridge { fill: #58a6ff; } .guide { fill: #d29922; } .node { fill: #3fb950; }
}
"""


def _panels(results):
    """Pairs of a title and groups; a group is a label and its bars: subject → value."""
    if "cost" in results:
        loads = (cost.ALONE_FULL_SPEED, cost.ONE_FULL_SPEED, cost.ONE, cost.ONE_APART, cost.EIGHT)
        yield "CPU time a message, µs", {
            load.name: {name: row["cpu_us"] for name, row in results["cost"][load.name].items()}
            for load in loads}
    if "peers" in results:
        yield "CPU time a message beside what one would write instead, µs", {
            load: {name: value["cpu_us"] for name, value in row.items()}
            for load, row in results["peers"].items()}
    if "rate" in results:
        yield "Sustained without loss into one consumer, messages a second", {
            "": {name: value["per_second"] for name, value in results["rate"].items()}}
    if "latency" in results:
        table = results["latency"][load_name(10_000, ONE_BY_ONE)]
        yield "Latency at 10,000 messages a second, µs", {
            quantile: {name: value[quantile] for name, value in table.items()}
            for quantile in ("p50", "p99")}


def _panel(title, groups, top):
    """The elements, and where they end."""
    greatest = max((value for bars in groups.values() for value in bars.values()), default=0) or 1
    parts = [f'<text class="title" x="8" y="{top + 14}">{escape(title)}</text>']
    y = top + 26
    for label, bars in groups.items():
        parts.append(f'<text x="8" y="{y + BAR - 3}">{escape(label)}</text>')
        for name, value in bars.items():
            width = max(1, (WIDTH - LABEL - 130) * value / greatest)
            text = f"{value:,.0f}" if value >= 100 else f"{value:.2g}" if value < 1 else f"{value:.1f}"
            parts.append(f'<rect class="{name}" x="{LABEL}" y="{y}" width="{width:.1f}" '
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
