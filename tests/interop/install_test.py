"""What `cmake --install` puts on a machine."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from harness import BRIDGE, DEADLINE, ROOT, clean_environment

BUILD = os.environ.get("BPX_BUILD", str(ROOT / "build/plain"))


class InstallTest(unittest.TestCase):
    def test_is_the_program_alone_where_a_shell_looks_for_it(self):
        with tempfile.TemporaryDirectory() as prefix:
            subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], check=True,
                           stdout=subprocess.DEVNULL, timeout=DEADLINE)
            files = [path for path in pathlib.Path(prefix).rglob("*") if not path.is_dir()]
            self.assertEqual(files, [pathlib.Path(prefix, "bin", "backpack-bridge")])
            version = [subprocess.run([program, "--version"], env=clean_environment(), text=True,
                                      stdout=subprocess.PIPE, check=True, timeout=DEADLINE).stdout
                       for program in (files[0], BRIDGE)]
            self.assertEqual(version[0], version[1])


if __name__ == "__main__":
    unittest.main()
