"""What outcomes.py makes of what ctest prints."""

import contextlib
import io
import pathlib
import subprocess
import sys
import tempfile
import unittest

import outcomes

PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(some NONE)
enable_testing()
add_test(NAME Good COMMAND true)
add_test(NAME Skipped COMMAND sh -c "exit 77")
set_tests_properties(Skipped PROPERTIES SKIP_RETURN_CODE 77)
add_test(NAME Bad.Always COMMAND sh -c "echo it is bad; false")
add_test(NAME Bad.AtFirst COMMAND sh -c "ls once && exit; touch once; echo not yet; false")
add_test(NAME Bad.Later COMMAND sh -c "ls twice && echo too often && exit 1; mv once_more twice || touch once_more")
add_test(NAME "Bad/AtFirst.Of/Some  # GetParam() = a ... (b)" COMMAND sh -c "ls some && exit; touch some; false")
add_test(NAME Crashes COMMAND sh -c "kill -SEGV $$")
"""


class OutcomesTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        (self.directory / "CMakeLists.txt").write_text(PROJECT)
        subprocess.run(["cmake", "-S", self.directory, "-B", self.directory / "build"],
                       stdout=subprocess.DEVNULL, check=True)

    def ctest(self, *options, runs=1):
        """The file that ctest's output is in."""
        log = self.directory / "ctest.log"
        with log.open("w") as file:
            for _ in range(runs):
                subprocess.run(["ctest", "--test-dir", self.directory / "build", "--output-on-failure", *options],
                               stdout=file, stderr=file, check=False)
        return log

    def says(self, command, log):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status = outcomes.COMMANDS[command]([log])
        return status, said.getvalue()

    def test_names_what_failed_and_then_passed_and_nothing_else(self):
        log = self.ctest("-j2", "--repeat", "until-pass:3")
        self.assertEqual(sorted(self.says("unsteady", log)[1].splitlines()),
                         ["unsteady: Bad.AtFirst", "unsteady: Bad/AtFirst.Of/Some"])

    def test_names_them_before_the_summary(self):
        lines = self.ctest("--repeat", "until-pass:3").read_text().splitlines(keepends=True)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            outcomes.tell(lines)
        said = said.getvalue().splitlines(keepends=True)
        named = [line for line in said if line.startswith("unsteady: ")]
        self.assertEqual(len(named), 2)
        self.assertEqual([line for line in said if line not in named], lines)
        self.assertLess(said.index(named[-1]), next(at for at, line in enumerate(said) if "tests passed" in line))

    def test_tells_how_often_a_test_failed_and_in_which_turn_first_and_what_it_said_then(self):
        status, said = self.says("failures", self.ctest("--schedule-random", runs=4))
        self.assertEqual(status, 1)
        self.assertRegex(said, r"(?m)^4 of 4 +1 +Failed +Bad\.Always ")
        self.assertRegex(said, r"(?m)^2 of 4 +3 +Failed +Bad\.Later ")
        self.assertRegex(said, r"(?m)^4 of 4 +1 +Exception: SegFault +Crashes ")
        self.assertRegex(said, r"(?m)^1 of 4 +1 +Failed +Bad/AtFirst\.Of/Some ")
        self.assertIn("=== Bad.Always: Failed in turn 1", said)
        self.assertIn("\nit is bad\n", said)
        self.assertIn("\ntoo often\n", said)
        self.assertNotRegex(said, "Good|Skipped")

    def test_is_content_where_nothing_failed(self):
        log = self.ctest("-R", "Good|Skipped", runs=3)
        self.assertEqual(self.says("failures", log), (0, "none of 2 tests failed in 6 turns\n"))

    def test_is_not_content_where_one_of_the_runs_was_killed(self):
        text = self.ctest("-R", "Good|Skipped", runs=3).read_text()
        of_runs = ["Test project" + run for run in text.split("Test project")[1:]]
        self.assertEqual(len(of_runs), 3)
        for killed in range(3):
            of_all = list(of_runs)
            of_all[killed] = of_all[killed][:of_all[killed].index("100% tests passed")]
            log = self.directory / "killed.log"
            log.write_text("".join(of_all))
            self.assertEqual(self.says("failures", log),
                             (1, f"ctest ended early ({log})\nnone of 2 tests failed in 6 turns\n"))

    def test_is_not_content_where_nothing_ran(self):
        log = self.ctest("-R", "")
        self.assertEqual(self.says("failures", log), (1, f"no test ran ({log})\nnone of 0 tests failed in 0 turns\n"))


if __name__ == "__main__":
    sys.exit(unittest.main())
