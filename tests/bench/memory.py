"""Resident memory of the bridge with a thousand streams and one consumer: at rest, before any message;
and the most it ever was under load, once its history is full, and later."""

from pacing import BURSTS
from rig import Rig
from subjects import Bridge
from turns import Spoilt, alternate

STREAMS = 1_000
PER_SECOND = 50_000  # which the consumer bears


def once(scale):
    with Rig(Bridge, STREAMS) as rig:
        def peak_after(messages):
            lost = rig.load(PER_SECOND, BURSTS, messages)["lost"]
            if lost:
                raise Spoilt(f"bridge lost {lost} messages at {PER_SECOND:,}/s")
            return rig.subject.peak_resident_bytes()
        return {"at_rest": rig.subject.resident_bytes(),
                "history_full": peak_after(scale.warm_up),
                "later": [peak_after(scale.messages // 2) for _ in range(scale.rounds)][-1]}


def measure(scale):
    return {"streams": STREAMS, "messages": scale.messages // 2 * scale.rounds,
            **alternate(scale.turns, {Bridge.name: lambda: once(scale)})}
