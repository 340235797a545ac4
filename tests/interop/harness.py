"""Starts the programs that are under test and talks to them as the outside world does.

Nothing of the project's own code is shared: what a consumer may rely on is written down here once
more, in another language. The executables are those that BPX_BRIDGE and BPX_EXCHANGE name, or else
those of build/plain.
"""

import contextlib
import json
import os
import pathlib
import re
import signal
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import typing
import unittest
import urllib.error
import urllib.request

import zmq

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/support"))
# pylint: disable=wrong-import-position,unused-import
import belongings  # noqa: E402, F401
from ports import free_port  # noqa: E402, F401

BRIDGE = os.environ.get("BPX_BRIDGE", str(ROOT / "build/plain/bridge/backpack-bridge"))
EXCHANGE = os.environ.get("BPX_EXCHANGE", str(ROOT / "build/plain/tests/exchange/simulated-exchange"))

# The pair that the exchange's guide prints as an example. It opens no account.
KEYS = {
    "BACKPACK_PUBLIC_KEY": "5+yQgwU0ZdJ/9s+GXfuPFfo7yQQpl9CgvQedJXne30o=",
    "BACKPACK_SECRET_KEY": "TDSkv44jf/iD/QCKkyCdixO+p1sfLXxk+PZH7mW/ams=",
}

DEADLINE = 60.0  # seconds: for what takes milliseconds; a run that passes never comes near it

# The long form: crowds as large as they get in real life, and promises that are times are measured.
# Elsewhere they are not: on a machine that is busy with other things a time says nothing.
IS_HEAVY = os.environ.get("BPX_HEAVY") == "1"

# A command that gives way to the one behind it, which ends with this process, whatever becomes of it.
MORTAL = ["setpriv", "--pdeathsig", "KILL", "--"]


def wait_until(holds, what, deadline=DEADLINE, every=0.01):
    """Returns what `holds` returns as soon as that is true. It is asked `every` so many seconds."""
    end = time.monotonic() + deadline
    while True:
        result = holds()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what}")
        time.sleep(every)


def leave_out(what):
    """Skips the test, and has tests/run say so at its end: where others of a suite pass, ctest tells nothing of it."""
    print(f"\nLEFT OUT: {what}", file=sys.stderr, flush=True)
    raise unittest.SkipTest(what)


def clean_environment(**settings):
    """This environment without what would configure a bridge, and with `settings`."""
    foreign = re.compile(r"BRIDGE_|BACKPACK_|PUBLIC_KEY$|SECRET_KEY$|(?i:(https|no)_proxy$)")
    kept = {name: value for name, value in os.environ.items() if not foreign.match(name)}
    return {**kept, **settings}


class Program:
    """A running program and the lines it has said, on stdout and stderr together."""

    def __init__(self, command, environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=None):
        self.lines = []
        self._process = subprocess.Popen(
            [*MORTAL, *command], env=environment, text=True, stdin=subprocess.DEVNULL,
            stdout=stdout, stderr=stderr, cwd=cwd)
        self._readers = []
        self._start_reading(self._read)

    def _start_reading(self, read):
        self._readers.append(threading.Thread(target=read, daemon=True))
        self._readers[-1].start()

    def _wait_until_read(self):
        for reader in self._readers:
            reader.join(DEADLINE)

    @contextlib.contextmanager
    def _ended_where_this_fails(self):
        """For what a constructor asks of the program: nobody else could end it yet."""
        try:
            yield
        except BaseException:
            self.stop(signal.SIGKILL)
            raise

    @property
    def pid(self):
        return self._process.pid

    @property
    def is_running(self):
        return self._process.poll() is None

    def send(self, sign):
        self._process.send_signal(sign)

    def _read(self):
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_for_line(self, pattern, deadline=DEADLINE):
        """The first line that matches, as a match object."""
        def find():
            has_ended = not self.is_running
            if has_ended:
                self._wait_until_read()
            for line in list(self.lines):
                match = re.search(pattern, line)
                if match:
                    return match
            if has_ended:
                raise AssertionError(f"ended without saying {pattern!r}:\n" + "\n".join(self.lines))
            return None
        return wait_until(find, f"a line that matches {pattern!r}", deadline)

    def stop(self, sign=signal.SIGTERM):
        """Asks the program to end; returns its exit status. Harmless where it has ended."""
        if self.is_running:
            self.send(sign)
        return self.wait_for_end()

    def wait_for_end(self, deadline=DEADLINE):
        """Its exit status, of a program that ends by itself, or has been told to and may be about to."""
        try:
            status = self._process.wait(deadline)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError("did not end when asked to:\n" + "\n".join(self.lines)) from None
        finally:
            self._wait_until_read()
            # Where a child of the program lives on and holds it, a reader waits, and to close it would be to wait too.
            if not any(reader.is_alive() for reader in self._readers):
                for pipe in (self._process.stdout, self._process.stderr):
                    if pipe:
                        pipe.close()
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Exchange(Program):
    """The simulated exchange. Its market stands still until `rate` lets it move."""

    def __init__(self, *options):
        self._fences = 0
        self._frames = []  # as far as it has been asked
        self._directory = tempfile.TemporaryDirectory()
        self.ca_file = os.path.join(self._directory.name, "ca.pem")
        super().__init__(
            [EXCHANGE, "--ca-file", self.ca_file, "--rate", "0", "--verifying-key", KEYS["BACKPACK_PUBLIC_KEY"], *options], clean_environment())
        with self._ended_where_this_fails():
            addresses = json.loads(self.wait_for_line(r"^\{.*\}$")[0])
        self.url = addresses["websocket"]
        self.rest_url = addresses["rest"]
        self.port = addresses["port"]
        self._control = f"http://127.0.0.1:{addresses['control_port']}"

    def environment(self, **settings):
        """Of a bridge on free ports that takes its streams from here."""
        return clean_environment(**{
            "BRIDGE_UPSTREAM__URL": self.url,
            "BRIDGE_UPSTREAM__REST_URL": self.rest_url,
            "BRIDGE_UPSTREAM__CA_FILE": self.ca_file,
            "BRIDGE_PUBLISH__PUBLIC__BIND": "tcp://127.0.0.1:*",
            "BRIDGE_HTTP__BIND": "127.0.0.1:0",
            "BRIDGE_UPSTREAM__DATA_TIMEOUT_MS": "0",  # the market stands still as long as a test likes
            "BRIDGE_UPSTREAM__REQUESTS_PER_SECOND": "1000",
            "BRIDGE_UPSTREAM__CONNECT_TIMEOUT_MS": "3600000",
            "BRIDGE_UPSTREAM__WINDOW_MS": "60000",
            **settings})

    def _ask(self, path, body=None):
        with urllib.request.urlopen(self._control + path, body, DEADLINE) as answer:
            return answer.read()

    def fault(self, kind, **parameters):
        self._ask("/fault", json.dumps({"kind": kind, **parameters}).encode())

    def rate(self, per_second, messages=None):
        """Of the market; after so many messages, wanted or not, it stands still. Else what is on its way to a
        bridge that is slower grows as long as the market moves."""
        self.fault("rate", per_second=per_second, **({} if messages is None else {"messages": messages}))

    def log(self, since, limit=100_000):
        """What went to clients from the `since`-th message on, one dictionary each."""
        lines = self._ask(f"/log?since={since}&limit={limit}").splitlines()
        return [json.loads(line) for line in lines]

    def catch_up(self):
        """Reads a piece of the log, before the exchange forgets it; returns whether there was any."""
        piece = self.log(len(self._frames))
        assert not piece or piece[0]["n"] == len(self._frames), "the exchange has forgotten what it sent first"
        self._frames += piece
        return bool(piece)

    def everything_sent(self):
        """The whole log, of a market at rest. A frame is in it once it is written, which its receiver
        may know before."""
        while self.catch_up():
            pass
        return list(self._frames)

    def come_to_rest(self, deadline=DEADLINE):
        """Stops the market. Returns when all that went to the clients there are is in the log: a last
        frame, which nobody asked for, has come behind it."""
        self.rate(0)
        self._fences += 1
        fence = f'{{"fence":{self._fences}}}'
        seen, arrived = self.state()["counters"]["frames_sent"], 0  # it is behind that
        self.fault("unsolicited", stream="fence", data=fence)

        def everywhere():
            nonlocal seen, arrived
            piece = self.log(seen)  # what has come since it was read last: a log can be long
            seen += len(piece)
            arrived += sum(fence in frame["text"] for frame in piece)
            return arrived >= self.state()["open_connections"]

        wait_until(everywhere, "the market to rest", deadline)

    def publish(self, stream, data):
        self._ask("/publish", json.dumps({"stream": stream, "data": data}).encode())

    def state(self):
        return json.loads(self._ask("/state"))

    def book(self, symbol):
        """As REST depth answers it: the true one, once the market is at rest."""
        context = ssl.create_default_context(cafile=self.ca_file)
        url = f"{self.rest_url}/api/v1/depth?symbol={symbol}"
        with urllib.request.urlopen(url, timeout=DEADLINE, context=context) as answer:
            return json.load(answer)

    def wait_for_subscriptions(self, streams):
        wait_until(lambda: set(streams) <= set(self.state()["subscriptions"]),
                   f"subscriptions to {streams}")

    def sent(self):
        """What went to clients, oldest first, as pairs of stream and text; answers left out."""
        return [(frame["stream"], frame["text"]) for frame in self.everything_sent() if frame["stream"]]

    def __exit__(self, *_):
        super().__exit__()
        self._directory.cleanup()


class Bridge(Program):
    """The bridge on free ports, with both endpoints, taking `streams` from `exchange`."""

    def __init__(self, exchange, streams, **settings):
        super().__init__(self.command(), exchange.environment(**{
            **KEYS,
            "BRIDGE_UPSTREAM__STREAMS": ",".join(streams),
            # One of those wanted: nothing is sent that is not published.
            "BRIDGE_UPSTREAM__CANARY": next(
                (name for name in streams if not name.startswith("account.")), "liquidation"),
            "BRIDGE_UPSTREAM__BACKOFF_MAX_MS": "200",
            "BRIDGE_PUBLISH__PRIVATE__BIND": "tcp://127.0.0.1:*",
            "BRIDGE_PUBLISH__HEARTBEAT_MS": "50",
            **settings}))
        with self._ended_where_this_fails():
            self.public = self._endpoint("publishing", "public")
            self.private = self._endpoint("publishing", "private")
            self.http = "http://" + self._endpoint("serving http")

    def command(self):
        """What is run: for those that run it under something."""
        return [BRIDGE]

    def _endpoint(self, event, audience=""):
        """As a line of either format tells it."""
        return self.wait_for_line(
            rf'{event}"?[ ,]"?endpoint"?[=:]"?([^\s",]+)' + (audience and f".*{audience}"))[1]

    def get(self, path):
        """Status and text of a page."""
        try:
            with self._open(path) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()

    def _open(self, path):
        """Again where the connection ends without a byte: who is held up is cut off before he has asked."""
        end = time.monotonic() + DEADLINE
        while True:
            try:
                return urllib.request.urlopen(self.http + path, timeout=DEADLINE)
            except ConnectionResetError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)

    def status(self):
        return json.loads(self.get("/status")[1])

    def metric(self, name, **labels):
        wanted = f"backpack_bridge_{name}"
        if labels:
            wanted += "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}"
        for line in self.get("/metrics")[1].splitlines():
            series, _, value = line.rpartition(" ")
            if series == wanted:
                return float(value)
        raise AssertionError(f"there is no {wanted}")


class BridgeWithFewFiles(Bridge):
    """One that may open `files` and not one more; SOFT:HARD where the one limit is not the other."""

    def __init__(self, files, *arguments, **settings):
        self._files = files
        super().__init__(*arguments, **settings)

    def command(self):
        return ["/usr/bin/prlimit", f"--nofile={self._files}", *super().command()]


class Message(typing.NamedTuple):
    topic: str
    payload: str
    flags: int
    connection: int
    epoch: int
    sequence: int
    received: int
    event: int
    sent: int

    @classmethod
    def decode(cls, topic, payload, header):
        version, length, *fields = struct.unpack("<BBHIQQqqq", header)
        assert (version, length) == (1, 48), (version, length)
        return cls(topic.decode(), payload.decode(), *fields)


class CurveKeys(typing.NamedTuple):
    server: bytes  # the bridge's, public
    public: bytes
    secret: bytes


class Consumer:
    """A SUB socket whose subscription, to all or to exact `topics`, is known to be in force."""

    STATUS = "bridge.status"

    def __init__(self, endpoint, topics=("",), keys=None, waits=True):
        """`keys`: CurveKeys, where the endpoint has CURVE."""
        self.status = []
        self._socket = zmq.Context.instance().socket(zmq.SUB)
        if keys:
            self._socket.curve_serverkey = keys.server
            self._socket.curve_publickey = keys.public
            self._socket.curve_secretkey = keys.secret
        self._socket.rcvhwm = 0
        self._socket.linger = 0
        for topic in [topic for topic in topics if topic != self.STATUS]:
            self._socket.subscribe(topic)
        self._socket.subscribe(self.STATUS)  # last: a heartbeat tells that the others are in force
        self._socket.connect(endpoint)
        if waits:
            self.wait_for_status("heartbeat")

    @classmethod
    def before(cls, endpoint, topics):
        """One that is there before the bridge is: nothing is known of its subscription."""
        return cls(endpoint, topics, waits=False)

    def _receive(self, deadline):
        if not self._socket.poll(max(0, deadline - time.monotonic()) * 1000):
            return None
        message = Message.decode(*self._socket.recv_multipart())
        if message.topic == self.STATUS:
            self.status.append(message)
        return message

    def wait_for_status(self, event):
        """Waits for the event; returns its payload. Other messages that come first are dropped."""
        end = time.monotonic() + DEADLINE
        while True:
            message = self._receive(end)
            assert message, f"no {event} within {DEADLINE} s"
            if message.topic == self.STATUS:
                status = json.loads(message.payload)
                if status["event"] == event:
                    return status

    def take(self, count):
        """The next `count` messages of the exchange; fewer only where one does not come in time."""
        messages = []
        end = time.monotonic() + DEADLINE
        while len(messages) < count:
            message = self._receive(end)
            if message is None:
                break
            if message.topic != self.STATUS:
                messages.append(message)
                end = time.monotonic() + DEADLINE
        return messages

    def take_within(self, seconds):
        """The next message of the exchange; None where none comes within so many seconds."""
        end = time.monotonic() + seconds
        while True:
            message = self._receive(end)
            if message is None or message.topic != self.STATUS:
                return message

    def take_until_heartbeat(self):
        """What else has been published: all that comes before the second heartbeat from now."""
        messages = []
        end = time.monotonic() + DEADLINE
        heartbeats = 0
        while heartbeats < 2:
            message = self._receive(end)
            assert message, f"no heartbeat within {DEADLINE} s"
            if message.topic != self.STATUS:
                messages.append(message)
            elif json.loads(message.payload)["event"] == "heartbeat":
                heartbeats += 1
        return messages

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
