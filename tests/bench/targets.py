"""What the figures are to be, as ratios within one run."""

import typing

import cost
from latency import load_name
from pacing import BURSTS, BURSTS_APART, ONE_BY_ONE

MEGABYTE = 1e6


class Target(typing.NamedTuple):
    name: str
    bound: str  # with its sense
    measured: float
    met: bool


def _judge(name, measured, sense, bound, unit=""):
    met = measured <= bound if sense == "≤" else measured >= bound
    return Target(name, f"{sense} {bound:g}{unit}", measured, met)


def _cpu(table, load, above, below):
    return table[load][above]["cpu_us"] / table[load][below]["cpu_us"]


def judge(results):
    """Of the targets that the results tell of."""
    judged = []
    if "cost" in results:
        for load, most in ((cost.ALONE_FULL_SPEED, 1.5), (cost.IGNORED, 1.5), (cost.ONE_FULL_SPEED, 1.15),
                           (cost.ONE, 1.0), (cost.ONE_APART, 1.0), (cost.ONE_IDLE, 1.0)):
            judged.append(_judge(f"CPU a message ÷ floor: {load.name}",
                                 _cpu(results["cost"], load.name, "bridge", "floor"), "≤", most))
    for load in results.get("builds", {}):
        judged.append(_judge(f"CPU a message ÷ other build: {load}",
                             _cpu(results["builds"], load, "bridge", "other build"), "≤", 1.1))
    for peer, least in (("guide", 12), ("node", 6)):
        table = results.get("cost", {})
        for load in (cost.ONE_FULL_SPEED, cost.BESIDE_PEERS):
            if peer in table.get(load.name, {}):
                judged.append(_judge(f"CPU a message, {peer} ÷ bridge: {load.name}",
                                     _cpu(table, load.name, peer, "bridge"), "≥", least))
    if "rate" in results:
        rates = {name: value["per_second"] for name, value in results["rate"].items()}
        if rates["floor"]:
            judged.append(_judge("sustained rate ÷ floor, 1 subscriber",
                                 rates["bridge"] / rates["floor"], "≥", 0.95))
    if "latency" in results:
        for pacing in (ONE_BY_ONE, BURSTS, BURSTS_APART):
            load = load_name(10_000, pacing)
            table = results["latency"][load]
            for quantile, most in (("p50", 1.0), ("p99", 1.1)):
                judged.append(_judge(f"latency {quantile} ÷ floor: {load}",
                                     table["bridge"][quantile] / table["floor"][quantile],
                                     "≤", most))
    if "10000" in results.get("streams", {}):
        few, many = (results["streams"][count]["bridge"]["cpu_us"] for count in ("10", "10000"))
        judged.append(_judge("CPU a message, 10,000 streams ÷ 10", many / few, "≤", 1.25))
    if "scraping" in results:
        table = results["scraping"]
        judged.append(_judge(f"p99 scraped ten times a second ÷ not, {table['streams']:,} streams",
                             table["scraped"]["p99"] / table["without"]["p99"], "≤", 1.2))
    if "memory" in results:
        table = results["memory"]
        memory = table["bridge"]
        judged.append(_judge(f"resident memory under load, {table['streams']:,} streams, MB",
                             memory["later"] / MEGABYTE, "≤", 128))
        judged.append(_judge(f"resident memory, {table['messages']:,} messages later ÷ before",
                             memory["later"] / memory["history_full"], "≤", 1.02))
    if "jetstream" in results:
        for load, row in results["jetstream"]["load"].items():
            judged.append(_judge(f"CPU a message, with JetStream ÷ without: {load}",
                                 row["with JetStream"]["cpu_us"] / row["bridge"]["cpu_us"], "≤", 1.5))
            # A server on the same cores is in ZeroMQ's way itself, whoever publishes to it.
            judged.append(_judge(f"latency p99, with JetStream elsewhere ÷ without: {load}",
                                 row["with JetStream elsewhere"]["p99"] / row["bridge"]["p99"], "≤", 1.1))
    return judged
