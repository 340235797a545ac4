"""The short form of the benchmark: that it runs, and that its figures can be figures. No timing."""

import json
import math
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

import executables

HERE = pathlib.Path(__file__).resolve().parent


def numbers(value):
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from numbers(inner)
    elif not isinstance(value, bool):
        yield value


class ShortRun(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def run_it(self, *arguments):
        """What it tells."""
        done = subprocess.run([sys.executable, HERE / "run", *arguments],
                              capture_output=True, text=True, timeout=2900, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def read(self, name):
        return (self.directory / name).read_text(encoding="utf-8")

    def test_measures_everything_and_tells_it_in_json_markdown_and_a_chart(self):
        told = self.run_it("--quick", "--json", self.directory / "results.json")
        results = json.loads(self.read("results.json"))
        self.check_chart(self.read("results.svg"))
        self.assertEqual(told, self.run_it("--of", self.directory / "results.json",
                                           "--chart", self.directory / "again.svg"))
        self.assertEqual(self.read("results.svg"), self.read("again.svg"))
        for measurement in ("cost", "rate", "latency", "streams", "deflate", "memory",
                            "readiness", "scraping", "jetstream"):
            found = list(numbers(results[measurement]))
            self.assertTrue(found, measurement)
            for number in found:
                self.assertTrue(math.isfinite(number) and number >= 0, (measurement, number))
        self.check_latencies(results["latency"])
        for row in results["cost"].values():
            self.assertGreater(row["floor"]["cpu_us"], 0)
            self.assertGreater(row["bridge"]["cpu_us"], 0)
            self.assertGreater(row["bridge"]["source_us"], 0)
        # Of captured shapes, 170 bytes or a little more; one in a thousand of 4 kB, one in twenty
        # thousand of 100 kB add five bytes each.
        at_full_speed = results["cost"]["nobody, full speed"]["bridge"]["mean_bytes"]
        self.assertAlmostEqual(at_full_speed, 180, delta=5)
        self.assertGreaterEqual(len(results["targets"]), 15)
        self.assertRegex(results["machine"]["revision"], r".")
        self.assertIn(results["machine"]["revision"], told)
        self.assertIn("**Targets**", told)

    def test_measures_another_build_beside_this_one(self):
        told = self.run_it("--quick", "--json", self.directory / "results.json",
                           "--beside", executables.path_of("bridge"))
        builds = json.loads(self.read("results.json"))["builds"]
        for row in builds.values():
            self.assertEqual(list(row), ["floor", "other build", "bridge"])
        self.check_chart(self.read("results.svg"))
        self.assertIn("CPU a message ÷ other build: nobody, full speed", told)

    def check_chart(self, text):
        drawn = xml.etree.ElementTree.fromstring(text)
        bars = drawn.findall("{http://www.w3.org/2000/svg}rect")
        self.assertTrue(bars)
        for bar in bars:
            self.assertLess(float(bar.get("x")) + float(bar.get("width")), float(drawn.get("width")))

    def check_latencies(self, table):
        for row in table.values():
            for quantiles in row.values():
                values = [quantiles[name] for name in ("p50", "p99", "p99.9", "max")]
                self.assertEqual(values, sorted(values))
                self.assertGreater(values[0], 0)  # nothing arrives before it was sent


if __name__ == "__main__":
    unittest.main()
