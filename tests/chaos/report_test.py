"""What a run says of what it left out."""

import contextlib
import io
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "interop")]
# pylint: disable=wrong-import-position
from report import Report  # noqa: E402
from schedule import Blow, KINDS, Strike, enabled_kinds, groups  # noqa: E402

KIND_OF = {group: next(kind for kind in KINDS if KINDS[kind][0] == group) for group in groups(KINDS)}


def report_of(has_network, struck):
    report = Report(1, "--seconds 1", enabled_kinds(has_network))
    for group in struck:
        kind = KIND_OF[group]
        report.note(Blow(0.0, [Strike(kind, group, 0.0, {})]), [kind], 0.1)
    return report


def said_by(say):
    with contextlib.redirect_stdout(io.StringIO()) as said:
        say()
    return said.getvalue().splitlines()


class ReportTest(unittest.TestCase):
    def test_ends_with_what_was_left_out(self):
        report = report_of(False, ["exchange"])
        report.left_out.append("faults of the network, because this system has none")
        for say in (report.say_summary, lambda: report.say_failure(AssertionError("x"), None) or report.say_summary()):
            self.assertEqual(said_by(say)[-1], "LEFT OUT: faults of the network, because this system has none")

    def test_says_nothing_of_it_where_all_came(self):
        self.assertNotIn("LEFT OUT", "".join(said_by(report_of(True, groups(KINDS)).say_summary)))

    def test_counts_what_struck_alone(self):
        report = report_of(True, groups(KINDS))
        before = report.injected.total()
        strikes = [Strike(kind, "exchange", 0.0, {}) for kind in ("drop", "renegotiate")]
        report.note(Blow(0.0, strikes), ["drop"], 0.1)
        self.assertEqual(report.injected.total(), before + 1)
        self.assertEqual(report.injected["renegotiate"], 0)

    def test_misses_whatever_group_could_have_come(self):
        self.assertEqual(report_of(True, groups(KINDS)).missing_groups(), set())
        without_network = groups(KINDS) - {"network"}
        self.assertEqual(report_of(False, without_network).missing_groups(), set())
        for group in without_network:
            self.assertEqual(report_of(False, without_network - {group}).missing_groups(), {group})


if __name__ == "__main__":
    unittest.main()
