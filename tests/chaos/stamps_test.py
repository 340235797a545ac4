"""That stamps of a clock that was not stepped at all do not pass for stepped ones."""

import time
import types
import unittest

from stamps import Stamps, wall_minus_monotonic_ns
from violation import Violation

SECOND = 10**9


def message(offset_ns, sequence=1):
    """That came at once, of a bridge whose clock is off by so much."""
    at = time.monotonic()
    received = int(at * SECOND) + wall_minus_monotonic_ns() + offset_ns - SECOND // 1000
    return types.SimpleNamespace(at=at, received=received, sent=received, topic="trade.A", sequence=sequence)


class StampsTest(unittest.TestCase):
    def setUp(self):
        now = time.monotonic()
        steps = [60 * SECOND, 0, -120 * SECOND, 0, 900 * SECOND]
        self.stamps = Stamps([(0.0, 0), *((now - 1, offset) for offset in steps)])

    def test_of_a_clock_that_was_stepped_pass(self):
        self.stamps.check(message(0))
        self.stamps.check(message(900 * SECOND, sequence=2))
        self.stamps.expect_steps_were_seen()

    def test_of_a_clock_that_no_step_reached_fail(self):
        self.stamps.check(message(0))
        with self.assertRaises(Violation):
            self.stamps.expect_steps_were_seen()

    def test_of_a_clock_of_its_own_fail(self):
        with self.assertRaises(Violation):
            self.stamps.check(message(300 * SECOND))


if __name__ == "__main__":
    unittest.main()
