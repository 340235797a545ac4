"""Where, when, and of what the figures are."""

import datetime
import os
import pathlib
import platform
import re
import subprocess

import executables


def revision(directory=executables.ROOT):
    """As git describes what is checked out; "unknown" where there is no git, or no repository."""
    try:
        done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=directory,
                              capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def describe():
    text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return {"processor": model[1] if model else platform.machine(), "cores": os.cpu_count(),
            "kernel": platform.release(), "load": os.getloadavg()[0],
            "date": datetime.date.today().isoformat(), "revision": revision()}
