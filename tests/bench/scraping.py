"""Whether scraping /metrics delays messages: ten scrapes a second of many streams.

Turns with and without alternate within one run of the bridge. The scraper is another process, as
Prometheus is one.
"""

import subprocess
import time

import histogram
import latency
from pacing import ONE_BY_ONE
from rig import Rig
from subjects import Bridge
from turns import alternate

PER_SECOND = 10
RATE = 10_000

_CODE = """
import sys, time, urllib.request
url, interval, due = sys.argv[1], float(sys.argv[2]), time.monotonic()
while True:
    size = len(urllib.request.urlopen(url).read())
    print(size, flush=True)
    due += interval
    time.sleep(max(0, due - time.monotonic()))
"""


class Scraper:
    """Scrapes while the `with` block runs; tells afterwards how often, and how much."""

    def __init__(self, url):
        self._command = ["/usr/bin/python3", "-c", _CODE, url, str(1 / PER_SECOND)]

    def __enter__(self):
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        self._process.stdout.readline()  # it has begun
        self._began = time.monotonic()
        return self

    def __exit__(self, *_):
        seconds = time.monotonic() - self._began
        self._process.kill()
        sizes = self._process.communicate()[0].split()
        self.per_second = len(sizes) / seconds
        self.bytes = int(sizes[-1]) if sizes else 0


def _forwarding(bridge):
    return histogram.buckets(bridge.metrics(), "backpack_bridge_forward_seconds")


def _observe(rig, count):
    """Quantiles as the consumer sees them, and of the bridge's own share, in microseconds."""
    before = _forwarding(rig.subject)
    seen = latency.quantiles(rig, RATE, ONE_BY_ONE, count)
    after = _forwarding(rig.subject)
    return {**seen, **{f"forward_{name}": histogram.quantile(q, before, after) * 1e6
                       for name, q in (("p50", 0.5), ("p99", 0.99))}}


def measure(scale):
    """Who is scraped → quantiles; and what a scrape is.

    Scrapes of another bridge, at rest, with as many streams, tell what a scrape takes from its
    neighbours on so few cores whoever answers it.
    """
    with Rig(Bridge, scale.scraped_streams, warm_up=scale.warm_up) as rig, \
            Rig(Bridge, scale.scraped_streams, consumers=0, warm_up=scale.warm_up) as other:
        own, others = (each.subject.http() + "/metrics" for each in (rig, other))
        count = scale.count(RATE)

        def without():
            return _observe(rig, count)

        def scraped(url):
            with Scraper(url) as scraper:
                seen = _observe(rig, count)
            return {**seen, "scrapes_per_second": scraper.per_second, "bytes": scraper.bytes}

        rig.load(RATE, ONE_BY_ONE, count)  # warms up: what of it is lost spoils nothing
        return {"streams": scale.scraped_streams,
                **alternate(scale.turns, {"without": without, "scraped": lambda: scraped(own),
                                          "another_scraped": lambda: scraped(others)})}
