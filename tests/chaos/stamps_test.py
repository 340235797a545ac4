"""That stamps of a clock that was not stepped at all do not pass for stepped ones."""

import time
import types
import unittest

from stamps import Stamps, wall_minus_monotonic_ns
from violation import Violation

SECOND = 10**9


def message(offset_ns, sequence=1, sent_later=0):
    """That came at once, of a bridge whose clock is off by so much; sent so many nanoseconds after it was received."""
    at = time.monotonic()
    received = int(at * SECOND) + wall_minus_monotonic_ns() + offset_ns - SECOND // 1000
    return types.SimpleNamespace(at=at, received=received, sent=received + sent_later, topic="trade.A",
                                 sequence=sequence)


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

    def test_that_say_sent_after_it_arrived_fail(self):
        for late in (SECOND // 10, 300 * SECOND):
            with self.assertRaises(Violation):
                self.stamps.check(message(900 * SECOND, sent_later=late))

    def test_of_messages_that_a_step_falls_into_pass_once_a_step(self):
        for sequence in range(1, 6):
            self.stamps.check(message(0, sequence, sent_later=60 * SECOND))
        with self.assertRaises(Violation):
            self.stamps.check(message(0, 6, sent_later=60 * SECOND))

    def test_of_a_message_are_one_however_many_consumers_get_it(self):
        for _ in range(20):
            self.stamps.check(message(0, sent_later=60 * SECOND))


if __name__ == "__main__":
    unittest.main()
