"""What CMake's options change, as its configuration alone tells: nothing is compiled."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from harness import DEADLINE, ROOT


def cmake(directory, *options):
    # CXXFLAGS and the like of whoever runs the tests are none of the project's.
    foreign = re.compile(r"(C|CXX|LD)FLAGS$|CMAKE_")
    environment = {name: value for name, value in os.environ.items() if not foreign.match(name)}
    return subprocess.run(["cmake", "-S", ROOT, "-B", directory, "-G", "Ninja", *options], env=environment,
                          text=True, capture_output=True, timeout=5 * DEADLINE)


OTHERS = "bridge/beast.cpp"  # Boost's code, with Boost's warnings


class BuildOptionsTest(unittest.TestCase):
    def configured(self, *options):
        """File of ours → command that would compile it."""
        with tempfile.TemporaryDirectory() as directory:
            done = cmake(directory, *options)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            commands = json.loads(pathlib.Path(directory, "compile_commands.json").read_text())
            files = {os.path.relpath(entry["file"], ROOT): entry["command"] for entry in commands}
            return {file: command for file, command in files.items() if file != OTHERS and not file.startswith("..")}

    def test_the_program_alone_needs_nothing_of_the_tests(self):
        commands = self.configured("-DBPX_BUILD_TESTS=OFF", "-DCMAKE_DISABLE_FIND_PACKAGE_GTest=ON",
                                   "-DCMAKE_DISABLE_FIND_PACKAGE_benchmark=ON")
        self.assertIn("bridge/main.cpp", commands)
        self.assertEqual([file for file in commands if not file.startswith(("bridge/", "proto/"))], [])

    def test_without_googletest_it_is_said_how_to_do_without(self):
        with tempfile.TemporaryDirectory() as directory:
            done = cmake(directory, "-DCMAKE_DISABLE_FIND_PACKAGE_GTest=ON")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("-DBPX_BUILD_TESTS=OFF", " ".join(done.stderr.split()))

    def test_what_every_packager_types_makes_no_warning_an_error(self):
        commands = self.configured("-DCMAKE_BUILD_TYPE=Release")
        self.assertIn("tests/unit/config/load_test.cpp", commands)
        for file, command in commands.items():
            self.assertIn(" -Wall ", command, file)
            self.assertNotIn("-Werror", command, file)
            self.assertIn(" -O3 ", command, file)

    def test_where_it_is_asked_for_each_warning_is_an_error(self):
        commands = self.configured("-DBPX_WARNINGS_AS_ERRORS=ON")
        self.assertIn("tests/unit/config/load_test.cpp", commands)
        for file, command in commands.items():
            self.assertIn(" -Werror ", command, file)

    def test_that_is_asked_for_by_every_build_of_tests_run(self):
        builds = re.findall(r"^[^#\n]*deploy/build .*$", (ROOT / "tests/run").read_text(), re.MULTILINE)
        self.assertEqual(len(builds), 1, "one function builds")
        self.assertIn("-DBPX_WARNINGS_AS_ERRORS=ON", builds[0])


if __name__ == "__main__":
    unittest.main()
