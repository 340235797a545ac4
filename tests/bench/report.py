"""The results as Markdown."""

import cost
import targets
from latency import QUANTILES


def _table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


def _number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _by_subject(title, table, key, unit):
    """One row a line of `table`, one column a subject, and what the bridge is to the floor."""
    subjects = list(dict.fromkeys(name for row in table.values() for name in row))
    rows = []
    for name, row in table.items():
        cells = [_number(row[subject][key]) if subject in row else "" for subject in subjects]
        ratio = f"{row['bridge'][key] / row['floor'][key]:.2f}" if row.get("floor", {}).get(key) \
            else ""
        rows.append([name, *cells, ratio])
    return f"\n**{title}**\n\n" + _table(["", *(f"{name}, {unit}" for name in subjects), "÷ floor"],
                                         rows)


def _cost(table):
    """With what the source itself takes, so that all see whether it is what limits."""
    shown = {load: {**row, "source": {"cpu_us": row["floor"]["source_us"]}} if "floor" in row else row
             for load, row in table.items()}
    return _by_subject("CPU time a message; of the source, beside the floor", shown, "cpu_us", "µs")


def _rate(table):
    floor = table.get("floor", {}).get("per_second")
    rows = [[subject, _number(value["per_second"]), _number(value["failed_at"]),
             f"{value['per_second'] / floor:.3f}" if floor else ""]
            for subject, value in table.items()]
    return ("\n**Sustained without loss, 1 subscriber, in bursts of 100, messages a second; source, "
            "subject and consumer share the cores**\n\n" +
            _table(["", "held two of three times", "did not hold", "÷ floor"], rows))


def _latency(table):
    rows = [[load, subject, *(_number(values[name]) for name in QUANTILES)]
            for load, row in table.items() for subject, values in row.items()]
    return ("\n**Latency, from when the source begins to write to the consumer's receipt, µs; max is "
            "the median of the turns' maxima**\n\n" + _table(["", "", *QUANTILES], rows))


def _scraping(table):
    columns = {"p50": "p50", "p99": "p99", "p99.9": "p99.9", "max": "max",
               "forward p50": "forward_p50", "forward p99": "forward_p99"}
    rows = [[name, *(_number(table[key][column]) for column in columns.values())]
            for name, key in (("not scraped", "without"), ("ten scrapes a second", "scraped"),
                              ("another bridge, at rest, scraped so", "another_scraped"))]
    return (f"\n**Latency of the bridge with {table['streams']:,} streams, scraped "
            f"({_number(table['scraped']['bytes'])} bytes each), and of it from the socket's read "
            "to libzmq (`forward_seconds`), µs**\n\n" + _table(["", *columns], rows))


def _jetstream(table):
    rows = [[load, subject, *(_number(values[key]) for key in ("cpu_us", "p50", "p99"))]
            for load, row in table["load"].items() for subject, values in row.items()]
    return ("\n**The bridge with JetStream on the same cores, with one that takes nothing of them, and without, 1 subscriber of "
            "ZeroMQ's: µs**\n\n" +
            _table(["", "", "CPU a message", "latency p50", "p99"], rows) +
            f"\nJetStream stored {_number(table['acknowledged']['per_second'])} messages a second.\n")


def _memory(table):
    megabytes = [_number(table["bridge"][key] / 1e6)
                 for key in ("at_rest", "history_full", "later")]
    return (f"\n**Resident memory of the bridge, {table['streams']:,} streams, 1 subscriber, MB; under "
            "load the most it ever was**\n\n" +
            _table(["at rest, before any message", "under load, history full",
                    f"under load, {table['messages']:,} messages later"], [megabytes]))


def _readiness(table):
    rows = [["start → first message", *(_number(value["ms"]) for value in table["start"].values())],
            ["connection cut → first message, a random backoff of up to 100 ms included",
             *(_number(table["drop"][name]["ms"]) if name in table["drop"] else ""
               for name in table["start"])]]
    return "\n**Time to the first message, ms**\n\n" + _table(["", *table["start"]], rows)


def _targets(results):
    judged = targets.judge(results)
    rows = [[target.name, target.bound, f"{target.measured:.3f}", "yes" if target.met else "**no**"]
            for target in judged]
    return "\n**Targets**\n\n" + _table(["", "target", "measured", "met"], rows) if rows else ""


def markdown(results):
    machine = results["machine"]
    text = (f"{machine['cores']} × {machine['processor']}, Linux {machine['kernel']}, "
            f"{machine['date']}, revision {machine['revision']}; medians of {results['turns']} turns")
    if "cost" in results:
        mean_bytes = results["cost"][cost.ALONE_FULL_SPEED.name]["bridge"]["mean_bytes"]
        text += f"; messages of {mean_bytes:.0f} bytes in the mean"
    if machine["load"] > 0.5:
        text += f". **The machine was not at rest: load {machine['load']:.1f} at the beginning**"
    text += ".\n"
    sections = {
        "cost": _cost,
        "builds": lambda table: _by_subject("CPU time a message beside another build", table,
                                            "cpu_us", "µs"),
        "rate": _rate,
        "latency": _latency,
        "streams": lambda table: _by_subject(
            "CPU time a message by number of streams (nobody, full speed)",
            {f"{int(count):,} streams": row for count, row in table.items()}, "cpu_us", "µs"),
        "deflate": lambda table: _by_subject(
            "CPU time a message by permessage-deflate (nobody, 10,000/s in bursts of 100)",
            table, "cpu_us", "µs"),
        "memory": _memory, "readiness": _readiness, "scraping": _scraping, "jetstream": _jetstream}
    for name, section in sections.items():
        if name in results:
            text += section(results[name])
    if results.get("spoilt"):
        text += "\nMeasured again, since a message was lost: " + "; ".join(results["spoilt"]) + ".\n"
    for reason in results.get("left_out", []):
        text += f"\nLeft out: {reason}.\n"
    return text + _targets(results)
