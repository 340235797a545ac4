"""That the micro-benchmarks run, each of them, and take their time. Judges no timing."""

import json
import os
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BPX_BUILD", ROOT / "build/plain"))

SHAPES = ("bookTicker", "depth", "depth.200ms", "trade", "ticker", "markPrice", "orderUpdate",
          "balanceUpdate", "depth of 220 levels", "depth of 5400 levels")
NAMES = {*(f"envelope/{shape}" for shape in SHAPES),
         "frame_sieve/1", "frame_sieve/100",
         *(f"relay/published{way}/{streams}" for way in ("", "_foreseen") for streams in (1, 10, 1_000, 10_000)),
         "relay/without_endpoint/1", "relay/without_endpoint/1000",
         "header_encode", "header_decode",
         *(f"history_keep/{streams}" for streams in (1, 10, 1_000, 10_000)), "history_read",
         "depth_read", "book_worst_price",
         *(f"{name}/{levels}" for name in ("book_update", "book_answer")
           for levels in (100, 1_000, 5_000)),
         "exposition/10", "exposition/2000"}


class Micro(unittest.TestCase):
    def test_each_benchmark_runs_and_takes_its_time(self):
        done = subprocess.run(
            [BUILD / "tests/bench/micro_benchmark", "--benchmark_min_time=0.001",
             "--benchmark_format=json"],
            capture_output=True, text=True, timeout=240, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = {row["name"]: row for row in json.loads(done.stdout)["benchmarks"]}
        self.assertEqual(set(found), NAMES)
        for name, row in found.items():
            self.assertNotIn("error_occurred", row, name)
            self.assertGreater(row["real_time"], 0, name)
            self.assertGreater(row["iterations"], 0, name)


if __name__ == "__main__":
    unittest.main()
