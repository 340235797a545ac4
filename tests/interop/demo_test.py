"""The first command of the README, as it stands there. It builds where CMake has built before, or waits for that."""

import unittest

from harness import ROOT, Program, clean_environment

COUNT = 200


class DemoTest(unittest.TestCase):
    def test_prints_both_kinds_of_streams_and_leaves_nothing_that_disturbs_a_second(self):
        for turn in ("first", "second"):
            with self.subTest(turn), \
                    Program(["deploy/demo", "--count", str(COUNT)], clean_environment(), cwd=ROOT) as demo:
                # It gives the messages a minute itself, behind the build.
                self.assertEqual(demo.wait_for_end(500), 0, "\n".join(demo.lines))
                messages = [line for line in demo.lines if not line.startswith("demo: ")]
                for stream in ("trade.SOL_USDC", "account.orderUpdate"):
                    self.assertTrue(any(f" {stream} " in line for line in messages), f"no {stream} in the {turn} demo")
