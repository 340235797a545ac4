"""Two runs of tests/container/run at once: their images and stacks have the same names. And one after another that
was killed."""

import contextlib
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import belongings  # noqa: E402, F401  pylint: disable=wrong-import-position,unused-import

ENGINE = pathlib.Path(__file__).with_name("engine")
DEADLINE = 60


def first_line(process):
    """Of what it says."""
    [is_there, *_] = select.select([process.stdout], [], [], DEADLINE)
    assert is_there, f"not a word within {DEADLINE} s"
    return process.stdout.readline()


def kill_session(leader):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


class StopTest(unittest.TestCase):
    def test_clears_what_an_engine_that_was_killed_has_left_and_nothing_else(self):
        directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        shim = directory / "containerd-shim"
        shim.write_text("#!/bin/sh\nsleep 1000 &\necho $!\nwait\n")
        shim.chmod(0o755)

        def start(home):
            (home / "exec").mkdir(parents=True)
            process = subprocess.Popen([shim, "-address", home / "exec/containerd.sock"], stdout=subprocess.PIPE, text=True,
                                       start_new_session=True)
            self.addCleanup(process.communicate)
            self.addCleanup(kill_session, process.pid)
            return process, int(first_line(process))
        home, neighbours = directory / "engine", directory / "neighbour"
        (killed, container), (neighbour, _) = start(home), start(neighbours)
        (home / "docker.pid").write_text(str(neighbour.pid))  # was another's once
        (home / "mode").write_text("run\n")
        subprocess.run([ENGINE, "stop"], env={**os.environ, "BPX_ENGINE_HOME": str(home),
                                               "BPX_ENGINE_LOCK": str(directory / "lock")}, timeout=DEADLINE, check=True)
        killed.wait(DEADLINE)
        self.wait_for_end_of(container)
        self.assertEqual(os.listdir(home), [])
        self.assertIsNone(neighbour.poll())

    @staticmethod
    def runs(process):
        try:
            return ") Z " not in pathlib.Path(f"/proc/{process}/stat").read_text()
        except FileNotFoundError:
            return False

    def wait_for_end_of(self, process):
        """One that has been killed may take a moment to end."""
        end = time.monotonic() + DEADLINE
        while self.runs(process):
            self.assertLess(time.monotonic(), end, "it goes on")
            time.sleep(0.01)


class EngineTest(unittest.TestCase):
    def alone(self, script):
        """A command that a run is to do alone, in a shell."""
        process = subprocess.Popen([ENGINE, "alone", "/bin/sh", "-c", script], text=True, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   start_new_session=True, env={**os.environ, "BPX_ENGINE_LOCK": self.lock})
        self.addCleanup(process.communicate)
        self.addCleanup(kill_session, process.pid)  # one may wait for another
        return process

    def setUp(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        self.lock = os.path.join(directory, "lock")

    def test_a_second_run_says_that_it_waits_and_begins_when_the_first_has_ended(self):
        first = self.alone("echo first begins; read word; echo first ends")
        self.assertEqual(first_line(first), "first begins\n")
        second = self.alone("echo second begins")
        self.assertEqual(first_line(second),
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
