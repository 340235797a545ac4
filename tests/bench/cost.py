"""CPU time a message: of the whole process, user and system, all threads."""

import statistics
import typing

from pacing import BURSTS, BURSTS_APART, FULL_SPEED, ONE_BY_ONE, Pacing
from rig import Rig
from subjects import Bridge, Floor, OtherBuild
from turns import Spoilt, alternate_rows


HEARD_AT_ONCE = 90_000  # messages at full speed: as many as wait for a slow consumer without being lost


class Load(typing.NamedTuple):
    who: str
    rate: typing.Any
    pacing: Pacing
    consumers: int
    ignores: bool = False  # the consumers are connected, and subscribe to nothing
    rounds: int = 1  # each awaited to its end

    @property
    def name(self):
        return f"{self.who}, full speed" if self.rate == FULL_SPEED else \
            f"{self.who}, {self.rate:,}/s {self.pacing.name}"

    def count(self, scale):
        """Messages of a round."""
        if self.rate != FULL_SPEED:
            return scale.count(self.rate)
        is_heard = self.consumers and not self.ignores
        return min(scale.messages, HEARD_AT_ONCE) if is_heard else scale.messages


ALONE_FULL_SPEED = Load("nobody", FULL_SPEED, ONE_BY_ONE, 0)
IGNORED = Load("1 peer that subscribes to nothing", FULL_SPEED, ONE_BY_ONE, 1, ignores=True)
ALONE = Load("nobody", 10_000, BURSTS, 0)
ONE_FULL_SPEED = Load("1 subscriber", FULL_SPEED, BURSTS, 1, rounds=6)
ONE = Load("1 subscriber", 10_000, BURSTS, 1)
ONE_APART = Load("1 subscriber", 10_000, BURSTS_APART, 1)
ONE_HARD = Load("1 subscriber", 50_000, BURSTS, 1)
ONE_IDLE = Load("1 subscriber", 10_000, ONE_BY_ONE, 1)
EIGHT = Load("8 subscribers", 5_000, BURSTS, 8)
MANY = Load("64 subscribers", 1_000, BURSTS, 64)
BESIDE_PEERS = Load("1 subscriber", 2_000, BURSTS, 1)

BUILDS = (ALONE_FULL_SPEED, ALONE, ONE)

LOADS = (ALONE_FULL_SPEED, IGNORED, ONE_FULL_SPEED, ALONE, ONE, ONE_APART, ONE_HARD, ONE_IDLE,
         BESIDE_PEERS, EIGHT, MANY)

# As fast as each can, and at paces that all of them keep.
PEERS = (ALONE_FULL_SPEED, ONE_FULL_SPEED, BESIDE_PEERS, EIGHT, MANY)


def cpu_us(subject, load, scale, **rig_options):
    """Microseconds a message, of the subject and of the source; fails where one is lost."""
    with Rig(subject, consumers=load.consumers, warm_up=scale.warm_up, **rig_options) as rig:
        if load.ignores:
            rig.ignore()
        if load.consumers:
            rig.load(load.rate, load.pacing, load.count(scale) // 2)
        rounds = [rig.load(load.rate, load.pacing, load.count(scale)) for _ in range(load.rounds)]
    if lost := sum(result.get("lost", 0) for result in rounds):
        raise Spoilt(f"{subject.name} lost {lost} messages at {load.name}")

    def mean(of):
        return statistics.fmean(result[of] for result in rounds)
    return {"cpu_us": mean("cpu_ns") / 1e3, "source_us": mean("source_ns") / 1e3,
            "mean_bytes": mean("mean_bytes")}


def measure(scale, peers):
    """Load → subject → CPU time; some loads beside what one would write instead."""
    return alternate_rows(scale.turns, {load.name: {
        subject.name: lambda subject=subject, load=load: cpu_us(subject, load, scale)
        for subject in (Floor, Bridge, *(peers if load in PEERS else ()))}
        for load in LOADS})


def measure_builds(scale):
    """Load → subject → CPU time: what has become dearer, or cheaper, since another build."""
    return alternate_rows(scale.turns, {load.name: {
        subject.name: lambda subject=subject, load=load: cpu_us(subject, load, scale)
        for subject in (Floor, OtherBuild, Bridge)}
        for load in BUILDS})


def measure_streams(scale):
    """Number of streams → subject → CPU time. At full speed: nothing else hides what a table costs."""
    return alternate_rows(scale.turns, {str(count): {
        subject.name: lambda subject=subject, count=count: cpu_us(
            subject, ALONE_FULL_SPEED, scale, stream_count=count)
        for subject in (Floor, Bridge)}
        for count in scale.stream_counts})


def measure_deflate(scale, peers):
    """off and on → subject → CPU time. At a set pace: a source that deflates is slower than the floor."""
    scale = scale._replace(warm_up=scale.warm_up // 10)  # fills the history of ten streams
    return alternate_rows(scale.turns, {name: {
        subject.name: lambda subject=subject, deflate=deflate: cpu_us(
            subject, ALONE, scale, deflate=deflate)
        for subject in (Floor, Bridge, *peers)}
        for name, deflate in (("off", False), ("on", True))})
