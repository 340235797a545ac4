"""Whether the bridge is back as soon as its backoff lets it, told by its attempts, not by a clock."""

import re

from metrics import Metrics
from programs import BACKOFF_MAX_MS, HEARTBEAT_MS
from violation import expect

_RETRY = re.compile(r" connect failed .* retry_ms=(\d+)")

# While it waits as long as it may. Each is a timer of the same thread, and a heartbeat that was held up is not made
# up for: a machine that is busy makes them fewer.
_HEARTBEATS_A_WAIT = BACKOFF_MAX_MS // HEARTBEAT_MS + 1


class Recoveries:
    """Once a fault is healed one attempt may fail, which was under way; the next one succeeds. And
    no wait between two is longer than the longest that is configured, as announced, and as told by
    the heartbeats meanwhile."""

    def __init__(self, bridge):
        self._bridge = bridge
        self._failed_before = 0.0
        self.most_failures = 0
        self._heartbeats_before = 0
        self._ends_before = 0.0

    def begin(self):
        """A fault has just been healed."""
        self._failed_before = Metrics.of_bridge(self._bridge).failed_attempts()

    def end(self):
        """The bridge is back."""
        failures = int(Metrics.of_bridge(self._bridge).failed_attempts() - self._failed_before)
        self.most_failures = max(failures, self.most_failures)
        expect(failures <= 1, f"{failures} attempts to connect failed after the fault was healed")

    def check_heartbeats(self, follower, failed):
        """Of a bridge that is back, as far as `follower` has seen, since it was back the last time. `failed`: attempts
        to connect by then."""
        ends = failed + follower.disconnects.total()
        heartbeats, waits = follower.waiting_heartbeats - self._heartbeats_before, int(ends - self._ends_before)
        self._heartbeats_before, self._ends_before = follower.waiting_heartbeats, ends
        expect(heartbeats <= waits * _HEARTBEATS_A_WAIT,
               f"{heartbeats} heartbeats, {HEARTBEAT_MS} ms apart at least, in {waits} waits for the next attempt to "
               f"connect, of {BACKOFF_MAX_MS} ms at most")

    def check_waits(self, disconnections):
        """`disconnections`: the longest wait that the consumers were told of."""
        waits = [int(match[1]) for match in map(_RETRY.search, self._bridge.lines) if match]
        longest = max([*waits, disconnections])
        expect(longest <= BACKOFF_MAX_MS, f"a wait of {longest} ms, beyond {BACKOFF_MAX_MS} ms")
