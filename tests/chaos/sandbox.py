"""A network and a file system of the run's own, which end with its last process.

The namespaces have no names: nothing has to be cleaned up, whatever becomes of the run.
"""

import os
import shutil
import subprocess
import sys

from harness import Program, wait_until

_MARK = "BPX_CHAOS_SANDBOX"
_NAMESPACES = (["--net", "--mount"], ["--map-root-user", "--net", "--mount"])
_EXCHANGE = "10.77.0.1"
_BRIDGE = "10.77.0.2"
_TABLE = "chaos"


def enter():
    """Starts this program again in namespaces of its own. Returns, in there, what is missing."""
    missing = [tool for tool in ("unshare", "nsenter", "ip", "nft", "mount")
               if not shutil.which(tool)]
    if os.environ.get(_MARK):
        return None
    if missing:
        return f"these are not installed: {', '.join(missing)}; deploy/packages build checks"
    for namespaces in _NAMESPACES:
        if subprocess.run(["unshare", *namespaces, "--", "true"], stderr=subprocess.DEVNULL,
                          check=False).returncode == 0:
            os.environ[_MARK] = "1"
            os.execvp("unshare", ["unshare", *namespaces, "--", sys.executable, *sys.argv])
    return "this system allows no network namespace; run it as root"


def _run(*command, text=None):
    subprocess.run(command, input=text, text=True, check=True)


class Loopback:
    """Where namespaces cannot be had: no faults on the network."""

    exchange_address = bridge_address = "127.0.0.1"
    bridge_prefix: list = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Wire:
    """The bridge behind a wire of its own, which can be cut. Only what goes to and from the
    exchange's port suffers; consumers and HTTP do not."""

    exchange_address = _EXCHANGE
    bridge_address = _BRIDGE

    def __init__(self):
        self._holder = Program(["unshare", "--net", "sleep", "infinity"], dict(os.environ))
        self.bridge_prefix = ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net"]
        wait_until(self._is_apart, "a network namespace for the bridge")
        _run("ip", "link", "set", "lo", "up")
        _run("ip", "link", "add", "exchange", "type", "veth", "peer", "name", "bridge",
             "netns", str(self._holder.pid))
        for prefix, device, address in (([], "exchange", _EXCHANGE),
                                        (self.bridge_prefix, "bridge", _BRIDGE)):
            _run(*prefix, "ip", "address", "add", address + "/30", "dev", device)
            _run(*prefix, "ip", "link", "set", device, "up")
            _run(*prefix, "ip", "link", "set", "lo", "up")

    def _is_apart(self):
        namespace = os.readlink(f"/proc/{self._holder.pid}/ns/net")
        return namespace != os.readlink("/proc/self/ns/net")

    def suffer(self, port, verdict):
        """`verdict`, in nft's words, for every packet from and to the exchange's port."""
        self.heal()
        _run("nft", "-f", "-", text=f"""
            table inet {_TABLE} {{
              chain input {{
                type filter hook input priority 0;
                iifname exchange tcp dport {port} {verdict}
              }}
              chain output {{
                type filter hook output priority 0;
                oifname exchange tcp sport {port} {verdict}
              }}
            }}""")

    @staticmethod
    def heal():
        subprocess.run(["nft", "delete", "table", "inet", _TABLE], stderr=subprocess.DEVNULL,
                       check=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.heal()
        self._holder.stop()


class SmallDisk:
    """A file system for the bridge's log that can be filled to the last byte."""

    def __init__(self, directory):
        os.makedirs(directory, exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", "size=4m", "none", directory)
        self.log = os.path.join(directory, "bridge.log")
        self._filler = os.path.join(directory, "filler")
        self._directory = directory

    def fill(self):
        try:
            with open(self._filler, "wb", buffering=0) as filler:
                while filler.write(bytes(4096)):
                    pass
        except OSError:
            pass  # full, as it was to be

    def free(self):
        if os.path.exists(self._filler):
            os.unlink(self._filler)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "--lazy", self._directory], check=False)
