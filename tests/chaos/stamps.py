"""Judges stamps of a wall clock that was stepped."""

import time

from violation import expect

_LONGEST_WAY = 10.0  # seconds between reading and arrival, a stopped bridge included
_TOLERANCE_NS = 2_000_000  # two clocks are compared that were read one after the other
_LARGE_NS = 30_000_000_000  # no way is so long: who is stamped so has seen the step
_ENOUGH = 3  # large steps: one may fall into a time without messages


def wall_minus_monotonic_ns():
    """Of several looks the one that was interrupted least."""
    def look():
        before = time.monotonic_ns()
        wall = time.time_ns()
        after = time.monotonic_ns()
        return after - before, wall - after
    return min(look() for _ in range(100))[1]


class Stamps:
    """`offsets`: since when the bridge's wall clock differed by how much from ours."""

    def __init__(self, offsets):
        self._offsets = offsets
        self._base = wall_minus_monotonic_ns()
        self._backwards = set()
        self._straddling = set()  # of those that a step falls into: received by one clock, sent by the next
        self._stepped = 0

    def check(self, message):
        self._check_order(message)
        received = self._offsets_of(message, message.received, "received")
        sent = self._offsets_of(message, message.sent, "sent")
        if not set(received) & set(sent):
            self._straddling.add((message.topic, message.sequence))
            expect(len(self._straddling) < len(self._offsets), "received by one clock, sent by another")
        self._stepped += abs(received[0]) >= _LARGE_NS

    def _check_order(self, message):
        if message.received > message.sent:
            # A step back may fall between the two. One thread stamps: once a step at most.
            self._backwards.add((message.topic, message.sequence))
        backwards = sum(1 for before, after in zip(self._offsets, self._offsets[1:])
                        if after[1] < before[1])
        expect(len(self._backwards) <= backwards, "received after it was sent")

    def _offsets_of(self, message, stamp, what):
        """Of the clocks by which it may have been made, the newest first."""
        offsets = [offset for offset in self._in_force(message.at) if self._could_be(message, stamp, offset)]
        expect(offsets, f"{what} at {stamp}, which by no clock is just before it arrived, at "
                        f"{int(message.at * 1e9) + self._base} (true time)")
        return offsets

    def expect_steps_were_seen(self):
        """Else the bridge's clock was not stepped at all, and nothing of it is shown."""
        large = sum(abs(offset) >= _LARGE_NS for _, offset in self._offsets)
        expect(large < _ENOUGH or self._stepped > 0, f"no message is stamped by any of {large} steps of the clock")

    def _could_be(self, message, stamp, offset):
        age = int(message.at * 1e9) + self._base + offset - stamp
        return -_TOLERANCE_NS <= age <= _LONGEST_WAY * 1e9

    def _in_force(self, at):
        """The newest first: it is the likeliest."""
        for since, offset in reversed(self._offsets):
            if since <= at + 0.01:
                yield offset
                if since < at - _LONGEST_WAY:
                    return
