"""The bridge under test, with every limit small enough to be met within a minute."""

import ctypes
import fcntl
import mmap
import os
import signal
import subprocess
import threading

import harness
from harness import BRIDGE, KEYS, ROOT, Exchange, Program

STEPPED_CLOCK = os.environ.get(
    "BPX_STEPPED_CLOCK", str(ROOT / "build/plain/tests/chaos/libstepped_clock.so"))

SYMBOLS = ["SOL_USDC", "BTC_USDC", "SOL_USDC_PERP"]
PUBLIC = [*(f"{kind}.{symbol}" for symbol in SYMBOLS for kind in ("trade", "bookTicker", "depth")),
          "depth.200ms.SOL_USDC", "kline.1m.SOL_USDC", "ticker.BTC_USDC", "markPrice.SOL_USDC_PERP"]
# Not the aggregated one: where the exchange's clock was ahead for a while, it stands still as long.
BOOKS = [f"depth.{symbol}" for symbol in SYMBOLS]
PRIVATE = ["account.orderUpdate", "account.positionUpdate", "account.balanceUpdate"]
STREAMS = PUBLIC + PRIVATE

BACKOFF_MAX_MS = 400
HEARTBEAT_MS = 100
CONNECT_TIMEOUT_MS = 1500
IDLE_TIMEOUT_MS = 3000
WINDOW_MS = 5000
MAX_MESSAGE_BYTES = 2_000_000
SEND_HWM = 4_000

_SMALL_PIPE = 4096


def is_private(stream):
    return stream.startswith("account.")


def start_exchange(network, seed):
    """Pings every second, and gives a silent client ten; one that does not answer a close, next to
    nothing. The market follows from `seed`."""
    return Exchange("--bind", network.exchange_address, "--host-name", network.exchange_address,
                    "--symbols", ",".join(SYMBOLS), "--seed", str(seed),
                    "--ping-interval-ms", "1000", "--pong-timeout-ms", "10000", "--close-grace-ms", "100")


class WallClock:
    """The wall clock of the program that is started with `environment`."""

    def __init__(self, path):
        with open(path, "wb") as file:
            file.write(bytes(mmap.PAGESIZE))
        with open(path, "r+b") as file:
            self._memory = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self._offset = ctypes.c_int64.from_buffer(self._memory)
        sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        self.environment = {"LD_PRELOAD": STEPPED_CLOCK, "BPX_CLOCK_FILE": path,
                            "ASAN_OPTIONS": sanitizer}

    def set(self, offset_ns):
        self._offset.value = offset_ns


class Bridge(harness.Bridge):
    """The bridge in the network's far end. Its log goes to `disk`, or without one to a pipe."""

    def __init__(self, exchange, network, directory, clock, disk=None, compression=False):
        self._disk = disk
        self._goes_on_reading = threading.Event()
        self._goes_on_reading.set()
        self.account_endpoint = "ipc://" + os.path.join(directory, "account.ipc")
        self.local_endpoint = "ipc://" + os.path.join(directory, "public.ipc")
        environment = exchange.environment(**KEYS, **clock.environment, **{
            "BRIDGE_LOG__LEVEL": "debug",
            "BRIDGE_HTTP__BIND": network.bridge_address + ":0",
            "BRIDGE_UPSTREAM__STREAMS": ",".join(STREAMS),
            "BRIDGE_UPSTREAM__RESUBSCRIBE_AFTER_MS": "1000",
            "BRIDGE_UPSTREAM__CANARY": "ticker.BTC_USDC",  # one of them
            "BRIDGE_UPSTREAM__COMPRESSION": "true" if compression else "false",
            "BRIDGE_UPSTREAM__BACKOFF_INITIAL_MS": "20",
            "BRIDGE_UPSTREAM__BACKOFF_MAX_MS": str(BACKOFF_MAX_MS),
            "BRIDGE_UPSTREAM__CONNECT_TIMEOUT_MS": str(CONNECT_TIMEOUT_MS),
            "BRIDGE_UPSTREAM__IDLE_TIMEOUT_MS": str(IDLE_TIMEOUT_MS),
            "BRIDGE_UPSTREAM__WINDOW_MS": str(WINDOW_MS),
            "BRIDGE_UPSTREAM__MAX_MESSAGE_BYTES": str(MAX_MESSAGE_BYTES),
            "BRIDGE_PUBLISH__PUBLIC__BIND":
                f"tcp://{network.bridge_address}:*,{self.local_endpoint}",
            "BRIDGE_PUBLISH__PRIVATE__BIND": self.account_endpoint,
            "BRIDGE_PUBLISH__BOOKS": ",".join(BOOKS),
            "BRIDGE_PUBLISH__SEND_HWM": str(SEND_HWM),
            "BRIDGE_PUBLISH__LINGER_MS": "30000",
            "BRIDGE_PUBLISH__HEARTBEAT_MS": str(HEARTBEAT_MS)})
        # Only the bridge's own clock is set, not that of a command before it.
        preload = [f"{name}={environment.pop(name)}" for name in clock.environment]
        command = [*network.bridge_prefix, "env", *preload, BRIDGE]
        if disk:
            with open(disk.log, "wb") as log:
                Program.__init__(self, command, environment, stdout=log)
        else:
            Program.__init__(self, command, environment)
            fcntl.fcntl(self._process.stdout, fcntl.F_SETPIPE_SZ, _SMALL_PIPE)
        self.public = self.wait_for_line(r"publishing endpoint=(tcp:\S+) audience=public")[1]
        self.http = "http://" + self.wait_for_line(r"serving http endpoint=(\S+)")[1]

    def are_books_in_sync(self):
        return all(self.metric(f'book_in_sync{{stream="{stream}"}}') == 1 for stream in BOOKS)

    def _read(self):
        if self._disk:
            self._follow_file()
            return
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._goes_on_reading.wait()

    def _follow_file(self):
        with open(self._disk.log, encoding="utf-8", errors="replace") as log:
            while True:
                ended = not self.is_running
                for line in log:
                    self.lines.append(line.rstrip("\n"))
                if ended:
                    return
                self._goes_on_reading.wait()
                try:
                    self._process.wait(0.05)
                except subprocess.TimeoutExpired:
                    pass

    def take_log_away(self):
        """From now on the log is taken by nobody: the disk is full, or the pipe."""
        if self._disk:
            self._disk.fill()
        else:
            self._goes_on_reading.clear()

    def give_log_back(self):
        if self._disk:
            self._disk.free()
        self._goes_on_reading.set()

    def memory(self, field):
        """VmSize, VmHWM …, in bytes."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
        raise AssertionError(f"no {field} of the bridge")

    def stop(self, sign=signal.SIGTERM):
        self.give_log_back()
        if self.is_running:
            self.send(signal.SIGCONT)
        return super().stop(sign)
