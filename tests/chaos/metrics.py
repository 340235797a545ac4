"""What /metrics says, by name and labels."""

import re

from harness import wait_until

_SAMPLE = re.compile(r'^backpack_bridge_(\w+)(?:\{(.*)\})? (\S+)$')


class Metrics:
    """One scrape."""

    def __init__(self, text):
        self._values = {}
        for line in text.splitlines():
            sample = _SAMPLE.match(line)
            if sample:
                labels = tuple(sorted(re.findall(r'(\w+)="([^"]*)"', sample[2] or "")))
                self._values[(sample[1], labels)] = float(sample[3])

    @classmethod
    def of_bridge(cls, bridge):
        return cls(bridge.get("/metrics")[1])

    def of(self, name, **labels):
        return self._values[(name, tuple(sorted(labels.items())))]

    def published(self):
        """By endpoint: messages and bytes."""
        return {endpoint: tuple(self.of(f"published_{what}_total", endpoint=endpoint) for what in ("messages", "bytes"))
                for endpoint in ("public", "private")}

    def requests(self):
        """To the exchange, whether or not it has heard them."""
        return sum(self.of("upstream_requests_total", method=method) for method in ("SUBSCRIBE", "UNSUBSCRIBE"))

    def failed_attempts(self):
        """To connect. Those that ran out of time tell of the machine as well, and are left out."""
        return sum(self.of("upstream_connects_total", result=result)
                   for result in ("dns", "tcp", "proxy", "tls", "handshake"))

    def all_failed_attempts(self):
        return self.failed_attempts() + self.of("upstream_connects_total", result="timeout")


def settled_metrics(bridge):
    """Of a market that stands still. Messages and bytes are counted one after the other: the second
    of two scrapes between which nothing was published shows both."""
    last = Metrics.of_bridge(bridge)

    def are_settled():
        nonlocal last
        before, last = last, Metrics.of_bridge(bridge)
        return last.published() == before.published()
    wait_until(are_settled, "two scrapes between two heartbeats")
    return last
