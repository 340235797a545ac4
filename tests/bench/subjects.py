"""What is measured: the floor, the bridge, and what one would write in Python or Node instead."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import urllib.request

import cpu_time
import executables

from ports import free_port  # executables knows where it is


class Subject:
    """One of them, running: it takes `streams` from `source` and publishes them at `endpoint`."""

    name = ""

    def __init__(self, source, streams, deflate=False, endpoint=None):
        self._directory = tempfile.TemporaryDirectory()
        self.directory = pathlib.Path(self._directory.name)
        self.source = source
        self.streams = streams
        self.deflate = deflate
        self.endpoint = endpoint or f"tcp://127.0.0.1:{free_port()}"
        self.streams_file = self.directory / "streams"
        self.streams_file.write_text("\n".join(streams) + "\n")
        self._output = open(self.directory / "output", "wb")
        self.started_ns = time.time_ns()
        self._process = subprocess.Popen(
            self.command(), stdin=subprocess.DEVNULL, stdout=self._output,
            stderr=subprocess.STDOUT, env=self.environment())

    def command(self):
        raise NotImplementedError

    def environment(self):
        foreign = re.compile(r"BRIDGE_|BACKPACK_|PUBLIC_KEY$|SECRET_KEY$")
        return {name: value for name, value in os.environ.items() if not foreign.match(name)}

    def output(self):
        return (self.directory / "output").read_text(errors="replace")

    def require_running(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"{self.name} has ended:\n" + self.output()[-2000:])

    def cpu_ns(self):
        return cpu_time.of(self._process.pid)

    def resident_bytes(self):
        return self._memory("VmRSS")

    def peak_resident_bytes(self):
        """The most since its start."""
        return self._memory("VmHWM")

    def _memory(self, name):
        status = pathlib.Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024

    def received(self):
        """Messages since its start by its own count; None where it does not count."""
        return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()
        self._directory.cleanup()


class Floor(Subject):
    name = "floor"

    def command(self):
        return [executables.path_of("floor"), str(self.source.port), self.source.ca_file,
                str(self.streams_file), self.endpoint, "deflate" if self.deflate else "plain"]


class Bridge(Subject):
    """As shipped: nothing is set but where things are."""

    name = "bridge"

    def publishing(self):
        return {"public": {"bind": [self.endpoint]}}

    def command(self):
        configuration = {
            "upstream": {"url": self.source.url, "ca_file": self.source.ca_file,
                         "rest_url": f"https://127.0.0.1:{self.source.port}",
                         "compression": self.deflate, "streams": self.streams},
            "publish": self.publishing(),
            "http": {"bind": "127.0.0.1:0"}}
        file = self.directory / "bridge.json"
        file.write_text(json.dumps(configuration))
        return [executables.path_of("bridge"), "--config", str(file)]

    def http(self):
        return "http://" + re.search(r"serving http\S* endpoint=(\S+)", self.output())[1]

    def metrics(self):
        with urllib.request.urlopen(self.http() + "/metrics") as answer:
            return answer.read().decode()

    def received(self):
        counts = re.findall(r"^backpack_bridge_received_messages_total{.*} (\d+)$", self.metrics(),
                            re.MULTILINE)
        return sum(map(int, counts))


class OtherBuild(Bridge):
    """Another build of the bridge, such as an earlier version's."""

    name = "other build"
    program = ""

    def command(self):
        return [self.program, *super().command()[1:]]

    def received(self):
        return None  # by metrics, which it need not have


class Guide(Subject):
    name = "guide"

    def command(self):
        return ["/usr/bin/python3", str(executables.PEERS / "guide.py"), self.source.url,
                self.source.ca_file, str(self.streams_file), self.endpoint,
                "deflate" if self.deflate else "plain"]


class Node(Subject):
    name = "node"
    modules = ""

    def command(self):
        return ["node", str(executables.PEERS / "node.js"), self.source.url, self.source.ca_file,
                str(self.streams_file), self.endpoint, "deflate" if self.deflate else "plain"]

    def environment(self):
        return {**super().environment(), "NODE_PATH": f"{self.modules}/node_modules"}
