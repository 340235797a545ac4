"""What the benchmark makes of its measurements."""

import contextlib
import io
import math
import os
import shutil
import subprocess
import tempfile
import unittest
import unittest.mock
import xml.etree.ElementTree

import chart
import cost
import histogram
import machine
import rate
import report
import targets
import turns


def cpu(floor, bridge, **others):
    return {name: {"cpu_us": value, "source_us": 0.25, "mean_bytes": 170.2} for name, value in
            {"floor": floor, "bridge": bridge, **others}.items()}


def results(bridge):
    """Of a machine on which the floor takes 1 µs, and the bridge what is said."""
    return {"machine": {"cores": 2, "processor": "P & Q", "kernel": "6", "load": 0.0,
                        "date": "2026-01-01", "revision": "abc"},
            "turns": 5, "left_out": ["node: no npm"],
            "cost": {load.name: cpu(1.0, bridge, **({"guide": 24.0} if load in cost.PEERS else {}))
                     for load in cost.LOADS},
            "rate": {"floor": {"per_second": 1000.0, "failed_at": 1010.0},
                     "bridge": {"per_second": 750.0, "failed_at": 760.0}}}


class Turns(unittest.TestCase):
    def test_alternate_and_tell_each_number_s_median(self):
        said = []

        def measure(name, values):
            def once():
                said.append(name)
                return {"x": values.pop(0), "table": {"y": len(said)}}
            return once
        medians = turns.alternate(3, {"a": measure("a", [1, 30, 2]), "b": measure("b", [5, 4, 6])})
        self.assertEqual(said, ["a", "b", "b", "a", "a", "b"])
        self.assertEqual(medians, {
            "a": {"x": 2, "turns": {"x": [1, 30, 2]},
                  "table": {"y": 4, "turns": {"y": [1, 4, 5]}}},
            "b": {"x": 5, "turns": {"x": [5, 4, 6]},
                  "table": {"y": 3, "turns": {"y": [2, 3, 6]}}}})

    def test_alternate_rows_too_where_rows_are_compared(self):
        said = []

        def measure(row, name):
            return lambda: said.append(row + name) or {"x": len(said)}
        found = turns.alternate_rows(2, {
            row: {name: measure(row, name) for name in "ab"} for row in ("few ", "many ")})
        self.assertEqual(said, ["few a", "few b", "many a", "many b",
                                "many b", "many a", "few b", "few a"])
        self.assertEqual(found["few "]["b"]["turns"]["x"], [2, 7])

    @unittest.mock.patch("turns.spoilt", new_callable=list)
    def test_are_taken_again_where_something_was_lost_and_that_is_told(self, spoilt):
        def alternate(*outcomes):
            return turns.alternate(1, {"a": unittest.mock.Mock(side_effect=outcomes)})["a"]
        lost = turns.Spoilt("a lost 7 messages")
        with contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(alternate(lost, lost, {"x": 1})["turns"], {"x": [1]})
            self.assertEqual(spoilt, ["a: a lost 7 messages"] * 2)
            with self.assertRaises(turns.Spoilt):
                alternate(lost, lost, lost, {"x": 1})
            with self.assertRaises(ValueError):
                alternate(ValueError(), {"x": 1})


class SustainedRate(unittest.TestCase):
    def found(self, limit, start, steps=12):
        asked = []

        def holds(value):
            asked.append(value)
            return value <= limit
        return *rate.bracket(holds, start, steps), asked

    def test_is_found_from_below_and_from_above(self):
        for start in 100, 100_000:
            held, failed, _ = self.found(limit=3_000, start=start, steps=16)
            self.assertLessEqual(held, 3_000)
            self.assertGreater(failed, 3_000)
            self.assertLess(failed / held, 1.03)

    def test_is_one_that_held_and_below_one_that_did_not(self):
        held, failed, asked = self.found(limit=777, start=50)
        self.assertIn(held, asked)
        self.assertIn(failed, asked)
        self.assertEqual(len(asked), 12)

    def test_is_nothing_where_nothing_held(self):
        self.assertEqual(self.found(limit=0, start=100)[0], 0)

    def test_is_bound_by_nothing_where_all_held(self):
        self.assertEqual(self.found(limit=1_000, start=100, steps=3)[:2], (400, 0))

    def test_holds_where_it_does_two_of_at_most_three_times(self):
        kept = {"lost": 0, "said_in": 1.0, "seconds": 1.0}
        missed = {**kept, "lost": 1}

        def holds(*answers):
            rig = unittest.mock.Mock()
            rig.load.side_effect = answers
            held = rate.holds(rig, per_second=1_000, count=1_000)
            self.assertEqual(rig.load.call_count, len(answers))
            return held
        self.assertTrue(holds(kept, kept))
        self.assertTrue(holds(missed, kept, kept))
        self.assertTrue(holds(kept, missed, kept))
        self.assertFalse(holds(missed, missed))
        self.assertFalse(holds(kept, missed, missed))


class Histograms(unittest.TestCase):
    PAGE = """
x_seconds_bucket{le="1e-06"} 10
x_seconds_bucket{le="2e-06"} 90
x_seconds_bucket{le="+Inf"} 100
x_seconds_sum 1
other_bucket{le="1e-06"} 7
"""

    def quantile(self, q, **before):
        after = histogram.buckets(self.PAGE, "x_seconds")
        return histogram.quantile(q, {bound: before.get("all", 0) for bound in after}, after)

    def test_take_an_even_spread_within_a_bucket(self):
        self.assertAlmostEqual(self.quantile(0.05), 0.5e-6)
        self.assertAlmostEqual(self.quantile(0.5), 1.5e-6)

    def test_tell_the_last_bound_of_what_lies_beyond_it(self):
        self.assertEqual(self.quantile(0.99), 2e-6)

    def test_count_only_what_came_between_the_pages(self):
        self.assertAlmostEqual(self.quantile(0.5, all=10), 1.5625e-6)

    def test_know_nothing_where_nothing_came(self):
        after = histogram.buckets(self.PAGE, "x_seconds")
        self.assertTrue(math.isnan(histogram.quantile(0.5, after, after)))


class Targets(unittest.TestCase):
    def judged(self, bridge):
        return {target.name: target for target in targets.judge(results(bridge))}

    def test_are_ratios_to_the_floor_and_to_the_peers(self):
        one = f"CPU a message ÷ floor: {cost.ONE_FULL_SPEED.name}"
        guide = f"CPU a message, guide ÷ bridge: {cost.BESIDE_PEERS.name}"
        self.assertEqual(self.judged(1.1)[one].measured, 1.1)
        self.assertTrue(self.judged(1.1)[one].met)
        self.assertFalse(self.judged(1.2)[one].met)
        self.assertEqual(self.judged(1.5)[guide].measured, 16)
        self.assertTrue(self.judged(1.5)[guide].met)
        self.assertFalse(self.judged(2.5)[guide].met)

    def test_tell_only_of_what_was_measured(self):
        names = " ".join(self.judged(1.0))
        self.assertIn("sustained rate", names)
        for absent in ("node", "latency", "scraped", "memory"):
            self.assertNotIn(absent, names)


class Telling(unittest.TestCase):
    def test_the_tables_hold_the_figures_and_what_was_left_out(self):
        text = report.markdown(results(1.5))
        self.assertIn("| nobody, full speed | 1 | 1.5 | 24 | 0.25 | 1.50 |", text)
        self.assertIn(f"| {cost.ONE.name} | 1 | 1.5 |  | 0.25 | 1.50 |", text)
        self.assertIn("revision abc; medians of 5 turns; messages of 170 bytes in the mean", text)
        self.assertIn("| bridge | 750 | 760 | 0.750 |", text)
        self.assertIn("Left out: node: no npm.", text)
        self.assertIn("| sustained rate ÷ floor, 1 subscriber | ≥ 0.95 | 0.750 | **no** |", text)
        self.assertNotIn("not at rest", text)
        self.assertNotIn("again", text)

    def test_so_is_what_was_measured_again(self):
        text = report.markdown({**results(1.5), "spoilt": ["nobody, bridge: bridge lost 7 messages"]})
        self.assertIn("Measured again, since a message was lost: nobody, bridge: bridge lost 7 messages.", text)

    def test_the_chart_is_xml_and_its_bars_are_in_proportion(self):
        drawn = xml.etree.ElementTree.fromstring(chart.svg(results(2.0)))
        bars = drawn.findall("{http://www.w3.org/2000/svg}rect")
        widths = {name: float(bar.get("width")) for bar in reversed(bars)
                  for name in [bar.get("class")]}
        self.assertAlmostEqual(widths["bridge"], 2 * widths["floor"], places=1)


class Revision(unittest.TestCase):
    @unittest.skipUnless(shutil.which("git"), "no git here")
    def test_is_what_git_describes(self):
        with tempfile.TemporaryDirectory() as directory:
            for command in (["init", "-q"],
                            ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q",
                             "--allow-empty", "-m", "x"]):
                subprocess.run(["git", *command], cwd=directory, check=True)
            self.assertRegex(machine.revision(directory), "^[0-9a-f]{7,}$")

    def test_is_unknown_where_there_is_no_repository_or_no_git(self):
        with tempfile.TemporaryDirectory() as directory:
            self.assertEqual(machine.revision(directory), "unknown")
            with unittest.mock.patch.dict(os.environ, {"PATH": directory}):
                self.assertEqual(machine.revision(directory), "unknown")


if __name__ == "__main__":
    unittest.main()
