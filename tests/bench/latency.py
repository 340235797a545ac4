"""From the source's stamp to the consumer's receipt, in microseconds; stamps tell one microsecond.

The stamp tells when the source begins to write a message, not when the message was due."""

from pacing import BURSTS, BURSTS_APART, ONE_BY_ONE
from rig import Rig
from subjects import Bridge, Floor
from turns import Spoilt, alternate

LOADS = ((1_000, ONE_BY_ONE), (1_000, BURSTS),
         (10_000, ONE_BY_ONE), (10_000, BURSTS), (10_000, BURSTS_APART),
         (50_000, ONE_BY_ONE), (50_000, BURSTS))
QUANTILES = ("p50", "p99", "p99.9", "max")
LEAST = 5_000  # samples: of fewer, a thousandth is nothing


def load_name(rate, pacing):
    return f"{rate:,}/s {pacing.name}"


def quantiles(rig, rate, pacing, count):
    seen = rig.load(rate, pacing, count)
    if seen["lost"]:
        raise Spoilt(f"{rig.subject.name} lost {seen['lost']} messages at {rate:,}/s")
    return {name: seen[name] for name in QUANTILES}


def of(subject, scale):
    least = LEAST if scale.seconds >= 1 else 0
    with Rig(subject, warm_up=scale.warm_up) as rig:
        rig.load(10_000, BURSTS, scale.count(10_000) // 2)
        return {load_name(rate, pacing): quantiles(rig, rate, pacing, scale.count(rate, least))
                for rate, pacing in LOADS}


def measure(scale, peers):
    """Load → subject → quantiles. Who does not keep pace falls ever further behind."""
    by_subject = alternate(scale.turns, {
        subject.name: lambda subject=subject: of(subject, scale) for subject in (Floor, Bridge, *peers)})
    return {load: {name: table[load] for name, table in by_subject.items()}
            for load in by_subject[Floor.name]}
