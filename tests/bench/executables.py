"""Where the programs that are measured lie, and what builds them."""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/support"))
import belongings  # noqa: E402, F401  pylint: disable=wrong-import-position,unused-import

PEERS = ROOT / "tests/bench/peers"
WORK = ROOT / "build/bench"

_BUILT = {"bridge": "bridge/backpack-bridge", "floor": "tests/bench/load-floor",
          "source": "tests/bench/load-source", "consumer": "tests/bench/load-consumer",
          "jetstream": "tests/bench/load-jetstream"}


def path_of(program):
    """Of build/plain, unless BPX_BUILD names another build."""
    return str(pathlib.Path(os.environ.get("BPX_BUILD", ROOT / "build/plain")) / _BUILT[program])


def build():
    """What is missing, and what has changed. Not where BPX_BUILD says that it is there."""
    if "BPX_BUILD" in os.environ:
        return
    targets = [part for path in _BUILT.values() for part in ("--target", pathlib.Path(path).name)]
    subprocess.run([ROOT / "deploy/build", "plain", *targets], check=True, stdout=sys.stderr)


def node_modules(may_install):
    """The directory that has `ws` and `zeromq`, or None, and then why."""
    for tool in "node", "npm":
        if not shutil.which(tool):
            return None, f"no {tool} here: apt install nodejs npm"
    modules = WORK / "node"
    if all((modules / "node_modules" / name).is_dir() for name in ("ws", "zeromq")):
        return modules, ""
    if not may_install:
        return None, "a run without --quick installs what it needs"
    modules.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--prefix", modules, "ws@8", "zeromq@6"],
            capture_output=True, text=True, timeout=200, stdin=subprocess.DEVNULL, check=False)
    except subprocess.TimeoutExpired:
        return None, "npm install took too long"
    if done.returncode != 0:
        return None, "npm cannot install ws and zeromq: " + done.stderr.strip()[:300]
    return modules, ""


def has_guide():
    """Whether Debian's Python has what the guide's loop needs."""
    check = subprocess.run(["/usr/bin/python3", "-c", "import websockets, zmq"],
                           capture_output=True, check=False)
    return check.returncode == 0
