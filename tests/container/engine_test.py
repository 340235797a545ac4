"""Two runs of tests/container/run at once: their images and stacks have the same names."""

import os
import pathlib
import subprocess
import tempfile
import unittest

ENGINE = pathlib.Path(__file__).with_name("engine")
DEADLINE = 30


class EngineTest(unittest.TestCase):
    def alone(self, script):
        """A command that a run is to do alone, in a shell."""
        process = subprocess.Popen([ENGINE, "alone", "/bin/sh", "-c", script], text=True, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   env={**os.environ, "BPX_ENGINE_LOCK": self.lock})
        self.addCleanup(process.communicate)
        return process

    def setUp(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        self.lock = os.path.join(directory, "lock")

    def test_a_second_run_says_that_it_waits_and_begins_when_the_first_has_ended(self):
        first = self.alone("echo first begins; read word; echo first ends")
        self.assertEqual(first.stdout.readline(), "first begins\n")
        second = self.alone("echo second begins")
        self.assertEqual(second.stdout.readline(),
                         f"engine: another run is at work (it holds {self.lock}); waiting for its end\n")
        self.assertEqual(first.communicate("go on\n", DEADLINE)[0], "first ends\n")
        self.assertEqual(second.communicate(timeout=DEADLINE)[0], "second begins\n")

    def test_a_run_after_another_begins_at_once_and_has_its_status(self):
        for _ in range(2):
            run = self.alone("exit 77")
            self.assertEqual(run.communicate(timeout=DEADLINE)[0], "")
            self.assertEqual(run.returncode, 77)


if __name__ == "__main__":
    unittest.main()
