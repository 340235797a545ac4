"""How late messages came, by their own headers: what the bridge's histograms are to say."""

import collections
import math

from programs import STREAMS
from violation import expect

_NS = 1e9
_ROUNDING = 1e-9  # of sums of many numbers that are no integers

TYPES = sorted({stream.split(".")[0] for stream in STREAMS} | {"other"})


class Lags:
    """Of all messages of an endpoint, or of two that are added."""

    def __init__(self):
        self.messages = 0
        self._timed = collections.Counter()  # by type: messages that say when their event was
        self._early = collections.Counter()  # of these, those whose event was still to come
        self._late_ns = collections.Counter()
        self._early_ns = collections.Counter()

    def note(self, message):
        self.messages += 1
        if message.event <= 0:
            return
        kind = message.topic.split(".")[0] if message.topic in STREAMS else "other"
        lag = message.received - message.event
        self._timed[kind] += 1
        self._early[kind] += lag < 0
        self._late_ns[kind] += max(0, lag)
        self._early_ns[kind] += max(0, -lag)

    def __add__(self, other):
        both = Lags()
        both.messages = self.messages + other.messages
        for name in ("_timed", "_early", "_late_ns", "_early_ns"):
            getattr(both, name).update(getattr(self, name))
            getattr(both, name).update(getattr(other, name))
        return both

    def check(self, metrics):
        forwarded = metrics.of("forward_seconds_count")
        expect(forwarded == self.messages, f"forward_seconds has {forwarded:.0f} of {self.messages} messages")
        for kind in TYPES:
            self._check_kind(kind, metrics)

    def _check_kind(self, kind, metrics):
        due = {"exchange_lag_seconds_count": self._timed[kind],
               "exchange_lag_seconds_sum": self._late_ns[kind] / _NS,
               "exchange_lag_negative_total": self._early[kind],
               "exchange_lag_negative_seconds_total": self._early_ns[kind] / _NS}
        for name, true in due.items():
            said = metrics.of(name, type=kind)
            expect(math.isclose(said, true, rel_tol=_ROUNDING, abs_tol=1e-6),
                   f"{name} of {kind} says {said}, but {true} is true")
