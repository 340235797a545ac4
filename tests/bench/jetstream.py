"""What the sink to JetStream costs: the bridge with it and without. With it, there is a NATS server on the same two cores,
which takes more of them than the bridge does, or one that stores nothing, as if it were on another machine's."""

import re
import subprocess
import tempfile
import time

import executables
from pacing import BURSTS, FULL_SPEED
from ports import free_port
from rig import PATIENCE, Rig
from subjects import Bridge
from turns import Spoilt, alternate, alternate_rows

RATES = (1_000, 10_000)
HALF_OF_WINDOW = 32_768  # messages, of publish.jetstream.max_pending


class BridgeWithJetStream(Bridge):
    """Its server is its own, and runs when nobody else wants a core. What it takes is not counted, but caches and cores
    are shared."""

    name = "with JetStream"
    gives_way = True  # in a short run it does not: beside whatever keeps the cores busy it would never have its turn

    def __init__(self, *arguments, **options):
        self._store = tempfile.TemporaryDirectory()
        self._server = self.start_server()
        super().__init__(*arguments, **options)

    def start_server(self):
        self.port = free_port()
        return self.run_server(["/usr/sbin/nats-server", "--addr", "127.0.0.1", "--port", str(self.port), "--jetstream",
                                "--store_dir", self._store.name], stdout=subprocess.DEVNULL)

    def run_server(self, command, **options):
        return subprocess.Popen([*(["chrt", "--idle", "0"] if self.gives_way else []), *command],
                                stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)

    def publishing(self):
        return {**super().publishing(), "jetstream": {"servers": [f"nats://127.0.0.1:{self.port}"]}}

    def count(self, what):
        return int(re.search(rf"^backpack_bridge_jetstream_{what} (\S+)$", self.metrics(), re.MULTILINE)[1])

    def wait_for(self, is_so, what):
        end = time.monotonic() + PATIENCE
        while not is_so():
            self.require_running()
            if time.monotonic() > end:
                raise RuntimeError(f"not within {PATIENCE} s: {what}")
            time.sleep(0.01)

    def __exit__(self, *_):
        super().__exit__()
        self._server.kill()
        self._server.wait()
        self._store.cleanup()


class BridgeWithJetStreamElsewhere(BridgeWithJetStream):
    """What the sink itself takes: its server does next to nothing."""

    name = "with JetStream elsewhere"

    def start_server(self):
        server = self.run_server([executables.path_of("jetstream")], stdout=subprocess.PIPE, text=True)
        with server.stdout as said:
            self.port = int(said.readline())
        return server


def load(subject, rate, scale):
    """Of the bridge alone, and of what ZeroMQ's consumer sees."""
    with Rig(subject, warm_up=scale.warm_up) as rig:
        has_sink = issubclass(subject, BridgeWithJetStream)
        if has_sink:
            rig.subject.wait_for(lambda: rig.subject.count("pending") == 0, "the warm-up to be stored")
            lost_before = rig.subject.count("lost_total")
        rig.load(rate, BURSTS, scale.count(rate) // 2)
        seen = rig.load(rate, BURSTS, scale.count(rate))
        if seen["lost"]:
            raise Spoilt(f"{subject.name} lost {seen['lost']} messages at {rate:,}/s")
        if has_sink and rig.subject.count("lost_total") != lost_before:
            raise Spoilt(f"JetStream lost messages at {rate:,}/s")
        return {"cpu_us": seen["cpu_ns"] / 1e3, "p50": seen["p50"], "p99": seen["p99"]}


def acknowledged_per_second(scale):
    """At full speed, half of the window at a time, each as soon as there is room for it, until the last message is
    stored."""
    with Rig(BridgeWithJetStream, consumers=0) as rig:
        subject = rig.subject
        subject.wait_for(lambda: subject.count("connected") == 1 and subject.count("pending") == 0, "JetStream")
        before = subject.count("acknowledged_total")
        at_once = min(scale.messages, HALF_OF_WINDOW)
        turns = scale.messages // at_once
        begin = time.monotonic()
        for _ in range(turns):
            subject.wait_for(lambda: subject.count("pending") <= HALF_OF_WINDOW, "room for more")
            rig.source.go(FULL_SPEED, BURSTS, at_once)
        subject.wait_for(lambda: subject.count("acknowledged_total") >= before + turns * at_once,
                         "what was said to be stored")
        return {"per_second": turns * at_once / (time.monotonic() - begin)}


def measure(scale):
    """Rate → subject → CPU time and latency; and how many messages a second JetStream takes."""
    BridgeWithJetStream.gives_way = scale.seconds >= 1
    return {
        "load": alternate_rows(scale.turns, {f"{rate:,}/s in bursts of 100": {
            subject.name: lambda subject=subject, rate=rate: load(subject, rate, scale)
            for subject in (Bridge, BridgeWithJetStreamElsewhere, BridgeWithJetStream)} for rate in RATES}),
        "acknowledged": alternate(scale.turns, {
            BridgeWithJetStream.name: lambda: acknowledged_per_second(scale)})[BridgeWithJetStream.name]}
