"""The greatest rate at which one consumer gets every message. Source, subject and consumer share the
machine's cores, so that it is the machine's as much as the subject's."""

from pacing import BURSTS
from rig import Rig
from subjects import Bridge, Floor
from turns import alternate

START = 50_000
LATE = 1.05  # by which factor a load may take longer than it should


def is_sustained(rig, per_second, count):
    """Nothing is lost, the source is not held up, and the consumer is not left behind."""
    seen = rig.load(per_second, BURSTS, count, silence_ms=1_000)
    planned = count / per_second
    return seen["lost"] == 0 and seen["said_in"] < planned * LATE + 0.01 and \
        seen["seconds"] < planned * LATE + 0.05


def holds(rig, per_second, count):
    """Two of at most three times: what is kept once may have been luck, and what is missed once a bad
    moment of the machine's, which would bound all that is tried after it."""
    kept = [is_sustained(rig, per_second, count) for _ in range(2)]
    return is_sustained(rig, per_second, count) if kept[0] != kept[1] else kept[0]


def bracket(is_held, start, steps):
    """The greatest value seen for which `is_held` is true, and the least for which it is not; 0 where
    none was seen. Doubles from `start`, or halves, until it has both, then goes between."""
    low, high = 0, 0
    value = start
    for _ in range(steps):
        if is_held(value):
            low = value
        else:
            high = value
        if high == 0:
            value = low * 2
        elif low == 0:
            value = high / 2
        else:
            value = (low * high) ** 0.5
    return low, high


def sustained(subject, scale):
    with Rig(subject, warm_up=scale.warm_up) as rig:
        rig.load(20_000, BURSTS, scale.count(20_000) // 2)

        held, failed = bracket(
            lambda per_second: holds(rig, per_second, scale.count(per_second) // 2), START,
            scale.rate_steps)
        return {"per_second": held, "failed_at": failed}


def measure(scale, peers):
    """Subject → what it held, and the least that it did not."""
    return alternate(scale.turns, {
        subject.name: lambda subject=subject: sustained(subject, scale)
        for subject in (Floor, Bridge, *peers)})
