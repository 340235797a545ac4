"""What is called a recovery that came too late."""

import pathlib
import sys
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

    def test_wait_no_longer_than_is_configured(self):
        self.bridge.lines = ["… WARN  connect failed result=tcp detail=\"x\" attempt=1 retry_ms=400"]
        self.recoveries.check_waits(400)
        self.assertRaises(Violation, self.recoveries.check_waits, 401)
        self.bridge.lines.append("… WARN  connect failed result=tcp detail=\"x\" attempt=2 retry_ms=401")
        self.assertRaises(Violation, self.recoveries.check_waits, 0)


if __name__ == "__main__":
    unittest.main()
