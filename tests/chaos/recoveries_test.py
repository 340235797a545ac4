"""What is called a recovery that came too late."""

import collections
import pathlib
import sys
import types
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "interop")]
# pylint: disable=wrong-import-position
from recoveries import Recoveries  # noqa: E402
from violation import Violation  # noqa: E402


class Bridge:
    """Of which a test says how many attempts have failed, and how."""

    def __init__(self):
        self.lines = []
        self.failed = dict.fromkeys(("dns", "tcp", "proxy", "tls", "handshake", "timeout"), 0)

    def get(self, _):
        return 200, "".join(f'backpack_bridge_upstream_connects_total{{result="{result}"}} {count}\n'
                            for result, count in self.failed.items())


class RecoveriesTest(unittest.TestCase):
    def setUp(self):
        self.bridge = Bridge()
        self.bridge.failed["tcp"] = 7  # while the fault lasted
        self.recoveries = Recoveries(self.bridge)
        self.recoveries.begin()

    def test_may_be_behind_the_attempt_that_was_under_way(self):
        self.bridge.failed["tls"] += 1
        self.recoveries.end()
        self.assertEqual(self.recoveries.most_failures, 1)

    def test_are_not_behind_a_second_one_that_fails(self):
        self.bridge.failed["tcp"] += 1
        self.bridge.failed["tls"] += 1
        self.assertRaises(Violation, self.recoveries.end)

    def test_may_take_time_on_a_machine_that_has_none(self):
        self.bridge.failed["timeout"] += 5
        self.recoveries.end()

    def test_are_each_judged_by_themselves(self):
        for _ in range(3):
            self.bridge.failed["tls"] += 1
            self.recoveries.end()
            self.recoveries.begin()

    def check_heartbeats(self, heartbeats, disconnects, failed):
        self.recoveries.check_heartbeats(types.SimpleNamespace(
            waiting_heartbeats=heartbeats, disconnects=collections.Counter(reset=disconnects)), failed)

    def test_are_told_by_heartbeats_to_have_waited_no_longer(self):
        self.check_heartbeats(35, disconnects=0, failed=7)
        self.check_heartbeats(35 + 10, disconnects=1, failed=8)
        self.assertRaises(Violation, self.check_heartbeats, 45 + 6, disconnects=2, failed=8)

    def test_are_each_told_by_their_own_heartbeats(self):
        self.check_heartbeats(0, disconnects=0, failed=7)
        self.assertRaises(Violation, self.check_heartbeats, 1, disconnects=0, failed=7)

    def test_wait_no_longer_than_is_configured(self):
        self.bridge.lines = ["… WARN  connect failed result=tcp detail=\"x\" attempt=1 retry_ms=400"]
        self.recoveries.check_waits(400)
        self.assertRaises(Violation, self.recoveries.check_waits, 401)
        self.bridge.lines.append("… WARN  connect failed result=tcp detail=\"x\" attempt=2 retry_ms=401")
        self.assertRaises(Violation, self.recoveries.check_waits, 0)


if __name__ == "__main__":
    unittest.main()
