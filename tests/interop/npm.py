"""What npm has and Debian has not, for tests that skip where it cannot be had."""

import shutil
import subprocess
import unittest


def install(directory, *packages, timeout):
    """Has npm install `packages` below `directory`; skips the test, and says why, where it cannot."""
    for tool in "node", "npm":
        if not shutil.which(tool):
            raise unittest.SkipTest(f"no {tool} here: apt install nodejs npm")
    names = ", ".join(packages)
    try:
        installed = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--prefix", directory, *packages],
            cwd=directory, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise unittest.SkipTest(f"npm install {names} took too long") from None
    if installed.returncode != 0:
        raise unittest.SkipTest(f"npm cannot install {names}: " + installed.stderr.strip()[:500])
