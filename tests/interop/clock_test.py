"""The wall clock is set while the bridge runs: nothing of it may depend on that but the stamps."""

import contextlib
import os
import pathlib
import tempfile
import time
import unittest

from at_once import AtOnce
from harness import BRIDGE, Bridge, Consumer, Exchange, wait_until

QUIET = "account.rfqUpdate"  # the exchange sends nothing on it unless told to
STREAMS = ["trade.SOL_USDC", "bookTicker.SOL_USDC", "account.orderUpdate", QUIET]
LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
STEP_S = 600
IS_SANITIZED = b"__asan_init" in pathlib.Path(BRIDGE).read_bytes()


class WallClock:
    """That of the program started with `settings`: ours, and as many seconds beside it as told."""

    def __init__(self, directory):
        self._file = os.path.join(directory, "offset")
        self.offset_s = 0
        self.step_to(0)
        self.settings = {"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": self._file,
                         "FAKETIME_CACHE_DURATION": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def step_to(self, offset_s):
        self.offset_s = offset_s
        pathlib.Path(self._file + ".new").write_text(f"{offset_s:+}\n")
        os.rename(self._file + ".new", self._file)

    def shows(self, unix_ns):
        """Whether a stamp is about what this clock says now."""
        return abs(unix_ns / 1e9 - time.time() - self.offset_s) < STEP_S / 4


@contextlib.contextmanager
def running():
    with tempfile.TemporaryDirectory() as directory, Exchange() as exchange:
        clock = WallClock(directory)
        with Bridge(exchange, STREAMS, **clock.settings) as bridge, \
                Consumer(bridge.private) as consumer:
            exchange.wait_for_subscriptions(STREAMS)
            exchange.rate(50)
            yield clock, exchange, bridge, consumer


@unittest.skipIf(IS_SANITIZED, "a sanitizer does not let another library come first")
class ClockTest(AtOnce, unittest.TestCase):
    def test_a_step_of_the_wall_clock_disturbs_nothing(self):
        with running() as (clock, exchange, bridge, consumer), Consumer(bridge.public) as public:
            published_at = time.monotonic()
            exchange.publish(QUIET, '{"e":"rfqActive"}')
            while consumer.take(1)[0].topic != QUIET:
                pass
            came_at = time.monotonic()
            uptime = bridge.status()["uptime_seconds"]
            for offset_s in (STEP_S, 0, -STEP_S, 0):
                beats = len(public.status)
                self.step(clock, offset_s, public)
                self.assertEqual(len(public.take(50)), 50)
                for _ in range(20):
                    public.wait_for_status("heartbeat")
                # 20 a second are due; those of the time that the clock was set by would be 12,000.
                self.assertLess(len(public.status) - beats, 10 * STEP_S, "heartbeats went out in a rush")
                self.assertEqual(bridge.get("/readyz")[0], 200, bridge.get("/readyz")[1])
                self.assertEqual(bridge.get("/livez")[0], 200)
                asked_at = time.monotonic()
                status = bridge.status()
                age_s = self.shown(status, QUIET)["age_ms"] / 1000
                self.assertGreaterEqual(age_s, asked_at - came_at - 0.001)
                self.assertLessEqual(age_s, time.monotonic() - published_at)
                self.assertGreater(status["uptime_seconds"], uptime)
                self.assertLess(status["uptime_seconds"], uptime + STEP_S / 2)
                uptime = status["uptime_seconds"]
            self.assertEqual(status["connection"], 1)
            self.assertNotIn("disconnected", "\n".join(bridge.lines))
            sequences = [message.sequence for message in public.status]
            self.assertEqual(sequences, list(range(sequences[0], sequences[0] + len(sequences))))
            self.assertLess(self.forward_seconds(bridge), STEP_S / 2)
            self.assertTrue(consumer.wait_for_status("heartbeat"))

    def test_signatures_are_accepted_though_the_clock_was_set(self):
        with running() as (clock, exchange, bridge, consumer):
            for offset_s in (STEP_S, -STEP_S, 0):
                self.step(clock, offset_s, consumer)
                before = bridge.status()["connection"]
                exchange.fault("drop")
                wait_until(lambda: bridge.status()["connection"] > before, "the next connection")
                wait_until(lambda: self.shown(bridge.status(), "account.orderUpdate")["state"]
                           in ("requested", "live") and bridge.get("/readyz")[0] == 200, "the account's stream is back")
                exchange.wait_for_subscriptions(STREAMS)
                exchange.publish("account.orderUpdate", '{"e":"orderFill"}')
                self.assertEqual(consumer.take(1)[0].topic, "account.orderUpdate")
                self.assertEqual(bridge.metric("upstream_errors_total", code="4003"), 0,
                                 "the first signature after the step bore a wrong time")

    def step(self, clock, offset_s, consumer):
        """Sets the clock, and waits until the program has noticed: it looks once a second."""
        def is_seen():
            consumer.wait_for_status("heartbeat")
            return clock.shows(consumer.status[-1].received)

        clock.step_to(offset_s)
        wait_until(is_seen, "stamps by the new time")

    @staticmethod
    def shown(status, name):
        return next(stream for stream in status["streams"] if stream["name"] == name)

    @staticmethod
    def forward_seconds(bridge):
        line = next(line for line in bridge.get("/metrics")[1].splitlines()
                    if line.startswith("backpack_bridge_forward_seconds_sum "))
        return float(line.split()[1])


if __name__ == "__main__":
    unittest.main()
