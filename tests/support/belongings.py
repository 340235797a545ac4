"""What a run of tests has started and written goes with it, however it ends.

Who imports this has, with all that it starts, a folder of its own for temporary files. The folder's name
marks them: it is in their environment. A reaper waits for the end of the run; then it ends whoever still
bears the mark, and removes the folder. It is nobody's child and in no group of the run's, so that it
outlives a SIGKILL for all of them. Where it was killed too, the next run does its work, before all else.
"""

import atexit
import contextlib
import fcntl
import glob
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

_MARK = "BPX_TEST_RUN"
_PREFIX = "backpack-bridge-test-"


def _lock_of(folder):
    """A descriptor that has it. Raises OSError where another run does."""
    lock = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock


def _bearers(folder):
    """Process → command."""
    mark = f"{_MARK}={folder}".encode()
    found = {}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is none of ours
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(
                    errors="replace").strip()
    return found


def _clear(folder):
    """Returns the commands of those that it had to end."""
    ended = {}
    end = time.monotonic() + 20
    while time.monotonic() < end:  # again: some may just have been started, or write while they are ended
        found = _bearers(folder)
        ended.update(found)
        for process in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
        if not found and not os.path.exists(folder):
            break
        time.sleep(0.02)
    return list(ended.values())


def _clear_what_killed_runs_left():
    for folder in glob.glob(os.path.join(tempfile.gettempdir(), _PREFIX + "*")):
        with contextlib.suppress(OSError):  # that run is at work, or not of this user
            lock = _lock_of(folder)
            _clear(folder)
            os.close(lock)


def _make_folder():
    """Its path, and the lock. It gets its name only when it is locked: no other run takes it for a killed one's."""
    unnamed = tempfile.mkdtemp(prefix=".new-" + _PREFIX)
    os.chmod(unnamed, 0o711)  # tests have other users, too
    lock = _lock_of(unnamed)
    folder = os.path.join(os.path.dirname(unnamed), os.path.basename(unnamed).removeprefix(".new-"))
    os.rename(unnamed, folder)
    return folder, lock


def _take_charge():
    _clear_what_killed_runs_left()
    folder, lock = _make_folder()
    own, reapers = socket.socketpair()
    with reapers:
        subprocess.run([sys.executable, "-I", __file__, folder], stdin=reapers, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, pass_fds=[lock], start_new_session=True, check=True)
    own.set_inheritable(True)  # a program that this process becomes goes on with the run
    os.set_inheritable(lock, True)
    os.environ[_MARK] = os.environ["TMPDIR"] = folder
    tempfile.tempdir = folder
    atexit.register(_end, own)


def _end(own):
    """Waits until all is gone, and says what should have been before."""
    own.shutdown(socket.SHUT_WR)
    own.settimeout(30)
    left = b""
    with own, contextlib.suppress(OSError):
        while piece := own.recv(65536):
            left += piece
    if left:
        print("left behind by this run, and ended now:\n" + left.decode(errors="replace"), file=sys.stderr,
              flush=True)


def _reap(folder):
    if os.fork():
        return
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)
    with socket.socket(fileno=0) as run:
        while run.recv(1):
            pass
        left = _clear(folder)
        with contextlib.suppress(OSError):  # it was killed: nobody reads this
            run.sendall("\n".join(left).encode())


if __name__ == "__main__":
    _reap(sys.argv[1])
elif not os.path.isdir(os.environ.get(_MARK, "")):  # where it is: whoever has started this program is in charge
    _take_charge()

OUTSIDE = os.path.dirname(os.environ.get(_MARK, ""))  # for files that are to outlive the run
