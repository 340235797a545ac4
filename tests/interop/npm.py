"""What npm has and Debian has not, for tests that skip where it cannot be had."""

import os
import shutil
import signal
import subprocess
import unittest

PATIENCE = 120  # seconds for all of an installation
# What is in npm's cache is not asked for again; a registry that does not answer is given up soon.
OPTIONS = ["--no-audit", "--no-fund", "--no-update-notifier", "--prefer-offline", "--fetch-retries=1",
           "--fetch-retry-mintimeout=1000", "--fetch-timeout=20000"]


def install(directory, *packages):
    """Has npm install `packages` below `directory`; skips the test, and says why, where it cannot."""
    for tool in "node", "npm":
        if not shutil.which(tool):
            raise unittest.SkipTest(f"no {tool} here: apt install nodejs npm")
    names = ", ".join(packages)
    process = subprocess.Popen(
        ["npm", "install", *OPTIONS, "--prefix", directory, *packages], cwd=directory, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    try:
        _, said = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # with what it has started, which holds its outputs open
        process.communicate()
        raise unittest.SkipTest(f"npm install {names} took too long") from None
    if process.returncode != 0:
        raise unittest.SkipTest(f"npm cannot install {names}: " + said.strip()[:500])
