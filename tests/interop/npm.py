"""What npm has and Debian has not, for tests that are left out where its registry cannot be reached."""

import os
import queue
import re
import shutil
import signal
import subprocess
import threading

from harness import leave_out

PATIENCE = 300  # seconds in which npm says nothing: a word on each file that it gets is due
# What is in npm's cache is not asked for again. That a registry does not answer npm finds out itself.
OPTIONS = ["--no-audit", "--no-fund", "--no-update-notifier", "--prefer-offline", "--fetch-retries=1",
           "--fetch-retry-mintimeout=1000", "--fetch-timeout=60000", "--loglevel=http"]
# What npm calls it where no registry answers, or one, or a proxy on the way, lets nobody in.
UNREACHABLE = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONN\w+|E\w*TIME(OUT|DOUT)|ERR_SOCKET_TIMEOUT|FETCH_ERROR|ENOTCACHED|"
                         r"E(NET|HOST)UNREACH|EPROTO|\w*CERT\w*|UNABLE_TO_VERIFY\w+|E40[137]|E429|E5\d\d")


def install(directory, *packages):
    """Has npm install `packages` below `directory`; leaves the test out, and says why, where it cannot reach them."""
    for tool in "node", "npm":
        if not shutil.which(tool):
            leave_out(f"no {tool} here: apt install nodejs npm")
    what = f"npm install {', '.join(packages)}"
    errors, code, said = attempt(directory, packages, what, *OPTIONS)
    if code == "ETARGET":  # the cache may be older than the version
        errors, code, said = attempt(directory, packages, what, *set(OPTIONS) - {"--prefer-offline"})
    if code is None:
        return
    if not (UNREACHABLE.fullmatch(code) or code == "ETARGET" and is_mirror()):  # which may lag behind
        raise AssertionError(f"{what}: {said[-3000:]}")
    leave_out(f"{what}: " + " ".join(errors)[:200])


def attempt(directory, packages, what, *options):
    """Its errors, the code that it has for them, and all that it said; no code where all is well."""
    process = subprocess.Popen(
        ["npm", "install", *options, "--prefix", directory, *packages], cwd=directory, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    said = said_by(process, what)
    if process.returncode == 0:
        return [], None, said
    errors = re.findall(r"^npm (?:error|ERR!) (.*)", said, re.MULTILINE)
    return errors, next((error.removeprefix("code ") for error in errors if error.startswith("code ")), ""), said


def is_mirror():
    registry = subprocess.run(["npm", "config", "get", "registry"], text=True, stdout=subprocess.PIPE, check=True).stdout
    return registry.strip().rstrip("/") != "https://registry.npmjs.org"


def said_by(process, what):
    """All of it, of one that may take as long as it goes on saying something."""
    lines = queue.SimpleQueue()

    def read():
        for line in process.stderr:
            lines.put(line)
        lines.put(None)
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    said = ""
    try:
        while (line := lines.get(timeout=PATIENCE)) is not None:
            said += line
    except queue.Empty:
        os.killpg(process.pid, signal.SIGKILL)  # with what it has started, which holds its outputs open
        raise AssertionError(f"{what} said nothing for {PATIENCE} s, behind: {said[-3000:]}") from None
    finally:
        process.wait()
        reader.join()
        process.stderr.close()
    return said
