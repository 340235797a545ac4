"""What a consumer that is killed and comes back must have seen."""

import os
import pathlib
import sys
import tempfile
import types
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "interop"), str(HERE.parent / "support")]
# pylint: disable=wrong-import-position
from bystanders import Bystander  # noqa: E402
from onlooker import HEAD  # noqa: E402
from violation import Violation  # noqa: E402

SEEN = {"trade.A": 9, "trade.B": 9}  # by somebody who saw everything


class Recorded(Bystander):
    """Without a process: a test says what each of its lives noted."""

    def _begin(self):
        self.records.append(os.path.join(self._directory, f"life.{len(self.records)}"))

    def note(self, topic, *sequences):
        with open(self.records[-1], "ab") as file:
            for sequence in sequences:
                file.write(HEAD.pack(fingerprint_of(topic, sequence), sequence, len(topic)) + topic.encode())

    def die_and_return(self):
        self._begin()


def fingerprint_of(topic, sequence):
    return sequence + 100 * ord(topic[-1])


def follower():
    """Which saw one message of each topic in turn."""
    return types.SimpleNamespace(topics={
        name: types.SimpleNamespace(fingerprints=[fingerprint_of(name, sequence + 1) for sequence in range(count)],
                                    places=[sequence * len(SEEN) + turn for sequence in range(count)])
        for turn, (name, count) in enumerate(SEEN.items())})


class BystandersTest(unittest.TestCase):
    def setUp(self):
        self.bystander = Recorded("mortal", "", self.enterContext(tempfile.TemporaryDirectory()))

    def check(self):
        self.bystander.check(follower())
        self.bystander.expect_no_holes()

    def test_may_join_late_in_each_life(self):
        self.bystander.note("trade.A", 3, 4)
        self.bystander.note("trade.B", 6, 7)
        self.bystander.die_and_return()
        self.bystander.note("trade.B", 9)
        self.check()
        self.assertEqual(self.bystander.messages, 5)

    def test_misses_nothing_within_a_life(self):
        self.bystander.note("trade.B", 1)
        self.bystander.die_and_return()
        self.bystander.note("trade.A", 2, 3, 6)
        with self.assertRaisesRegex(Violation, "misses 2 messages in 1 holes: trade.A 6 behind 3 in life.1"):
            self.check()

    def test_sees_no_message_twice_altered_or_alone(self):
        for topic, sequences, what in (("trade.A", (2, 2), "out of order or twice"), ("trade.A", (3, 2), "out of order"),
                                       ("trade.A", (10,), "nobody else"), ("trade.C", (1,), "nobody else")):
            with self.subTest(what=what, sequences=sequences):
                self.bystander.die_and_return()
                self.bystander.note(topic, *sequences)
                with self.assertRaisesRegex(Violation, what):
                    self.check()
                os.unlink(self.bystander.records[-1])


if __name__ == "__main__":
    unittest.main()
