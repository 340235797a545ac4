"""How soon messages come: after a start, and after the connection to the exchange was cut."""

from rig import Consumers, Rig, Source, streams
from subjects import Bridge, Floor, free_port
from turns import alternate

PER_SECOND = 1_000  # messages: so fine the figures are
STREAMS = 10


def start(subject):
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    with Source() as source, Consumers(endpoint) as consumers:
        source.ask("filler", PER_SECOND)
        with subject(source, streams(STREAMS), endpoint=endpoint) as started:
            first_ns = consumers.ask("first", 1)["first_ns"]
            return {"ms": (first_ns - started.started_ns) / 1e6}


def drop():
    """A fresh bridge each time: after the first loss it waits longer, as it should."""
    with Rig(Bridge, STREAMS) as rig:
        rig.source.ask("filler", PER_SECOND)
        dropped_ns = rig.source.ask("drop")["dropped_ns"]
        return {"ms": (rig.consumers.ask("first", 2)["first_ns"] - dropped_ns) / 1e6}


def measure(scale, peers):
    return {
        "start": alternate(scale.turns, {
            subject.name: lambda subject=subject: start(subject)
            for subject in (Floor, Bridge, *peers)}),
        "drop": alternate(scale.turns, {Bridge.name: drop})}
