"""What shows each fault: a metric, /status, readiness, a log line, an alert; and that it heals.

One exchange and one bridge for each row, several at a time. What the metrics say before the fault,
while it lasts and once it is over is played to the project's alert rules in a time of its own.
With BPX_HEAVY=1 one row at a time, and each sign must be there within two seconds of the moment at
which the fault was asked for.
"""

import concurrent.futures
import contextlib
import functools
import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import tempfile
import time
import typing
import unittest

import yaml
import zmq

import harness
from harness import BRIDGE, IS_HEAVY, KEYS, ROOT, Bridge, Exchange, Program
from nats_client import NatsServer, store
from recording import RULES, Look, Phase, complaint

SILENT = "account.rfqUpdate"  # of which the market says nothing
DEPTH = "depth.SOL_USDC"
LIVELY = {"bookTicker.SOL_USDC", DEPTH}  # what comes several times a second
TRADE = "trade.SOL_USDC"  # comes now and then, and tells only then what of it was lost
STREAMS = [TRADE, *sorted(LIVELY), "account.orderUpdate", SILENT]

AT_ONCE = 1 if IS_HEAVY else 10  # they mostly wait
SHOWN_WITHIN = 2.0  # seconds
BEFORE, DURING, AFTER = 180, 720, 1020  # seconds that are played: enough for what alerts wait for
LITTLE_ROOM = 100  # messages that may wait for JetStream
SLOW_ZEROMQ = os.environ.get("BPX_SLOW_ZEROMQ")


# Whole pages are read for each answer, and many wait at once: the processors are for the bridges.
wait_until = functools.partial(harness.wait_until, every=0.05 if IS_HEAVY else 0.2)


# ---- What a fault does, beside what the exchange can

def kill(case):
    case.bridge.stop(signal.SIGKILL)


def start_again(case):
    case.start_bridge()


def restart(case):
    case.bridge.stop()
    case.start_bridge()
    case.phases.append(case.record(60))


def leave_few_files(case):
    """Nine of ten are in use then."""
    case.limit_files(f"{int(case.look().values['process_open_fds'] / 0.9)}:")


def leave_enough_files(case):
    case.limit_files("1024:")


def join_and_read_nothing(case):
    """Messages are large: the system's own buffers shall not hold them all."""
    socket = case.consumer(rcvhwm=1, rcvbuf=4096)
    socket.subscribe("")
    for _ in range(100):
        case.exchange.fault("huge", bytes=500_000)


def join_without_a_key_of_ours(case):
    case.consumer(keys=zmq.curve_keypair())


def subscribe_without_end(case):
    socket = case.consumer(sndhwm=0)
    for number in range(10_000):
        socket.subscribe(f"unheard.of.{number:020}")


def send_consumers_away(case):
    case.end_consumers()


def let_consumers_in(case):
    case.end_consumers()
    case.start_consumers()


def slow_zeromq_down(case):
    case.consumer(rcvhwm=0).subscribe("")  # what nobody wants is not handed over
    case.slow_zeromq_by(4_000)


def speed_zeromq_up(case):
    case.slow_zeromq_by(0)


def with_curve(case):
    """Settings of a bridge that admits case's consumers to its public endpoint, and nobody else."""
    made = subprocess.run([BRIDGE, "keygen"], text=True, capture_output=True, check=True).stdout
    case.server_key = re.search(r"public_key (\S+)", made)[1].encode()
    case.keys = zmq.curve_keypair()
    file = case.directory / "bridge.key"
    file.touch(0o600)
    file.write_text(made)
    return {"BRIDGE_PUBLISH__PUBLIC__CURVE__SECRET_KEY_FILE": str(file),
            "BRIDGE_PUBLISH__PUBLIC__CURVE__ALLOW": case.keys[0].decode()}


def with_nats(case):
    """Settings of a bridge that hands its messages to a JetStream of the case's, too."""
    case.start_nats()
    return {"BRIDGE_PUBLISH__JETSTREAM__SERVERS": case.nats.url}


def with_nats_and_little_room(case):
    return {**with_nats(case), "BRIDGE_PUBLISH__JETSTREAM__MAX_PENDING": str(LITTLE_ROOM)}


def stop_nats(case):
    case.nats.stop()


def start_nats(case):
    case.start_nats()


def with_slow_zeromq(case):
    case.slowness = case.directory / "slowness"
    case.slow_zeromq_by(0)
    return {"LD_PRELOAD": SLOW_ZEROMQ, "BPX_SLOWNESS_FILE": str(case.slowness)}


# ---- How it shows

class Row(typing.NamedTuple):
    """A fault, and what shows it. None where that kind of sign says, rightly, nothing.

    `metric` holds of two looks at the metrics, before and now, `status` of /status; neither before
    the fault. `reason` is one of /readyz, where None stands for ready; `log` is a pattern, where None
    stands for neither warning nor error. Just `alerts` fire, sooner or later. Nobody can say when that
    ought to show which is there `before_start`, for the bridge looks at it once a minute, or which
    `shows_after` so many messages: it is not timed.
    """
    faults: list  # of what the exchange is told, or of functions on the case
    metric: typing.Optional[typing.Callable] = None
    status: typing.Optional[typing.Callable] = None
    reason: typing.Optional[str] = None
    log: typing.Optional[str] = None
    alerts: frozenset = frozenset()
    before_start: bool = False
    shows_after: int = 0            # messages
    settings: typing.Union[dict, typing.Callable] = {}
    takes: float = 0                # seconds before it can show: a timeout that it has to outlast
    quiet: frozenset = frozenset()  # of LIVELY, which do not come meanwhile
    gone: typing.Optional[Phase] = None  # what Prometheus sees, where there is nobody to ask
    heal: typing.Optional[typing.Callable] = None  # beside the exchange's own
    lasting: frozenset = frozenset()  # alerts on the clock: it is looked at each minute


def grew(series, by=1):
    """The counter, by so much at least."""
    return lambda before, now: now[series] - (before[series] if before else 0) >= by


def more_beyond(bucket, labels, limit, count=0):
    """More than so many observations above the limit, in seconds, since before."""
    def beyond(look):
        return look[f'{bucket}{{{labels}le="+Inf"}}'] - look[f'{bucket}{{{labels}le="{limit}"}}']
    return lambda before, now: beyond(now) - beyond(before) > count


def disconnected(reason):
    return grew(f'upstream_disconnects_total{{reason="{reason}"}}')


def lost(reason):
    return lambda status: (status["last_disconnect"] or {}).get("reason") == reason


def streams(status, key):
    return {stream["name"]: stream[key] for stream in status["streams"]}


def is_quiet(*names):
    """For three seconds, whichever clock is asked."""
    def shows(_, now):
        return all(now.at - now[f'stream_last_message_timestamp_seconds{{stream="{name}"}}'] > 3
                   for name in names)
    return shows


def say_quiet(*names):
    return lambda status: all(streams(status, "age_ms")[name] > 3000 for name in names)


def is_clock_off(look):
    return look["clock_known"] == 0 or look["clock_offset_seconds"] > look["clock_tolerance_seconds"]


REFUSED = [("refuse", {}), ("drop", {})]
NOT_CONNECTED = {"reason": "not connected", "alerts": frozenset({"BackpackBridgeNotConnected"})}


def unreachable(faults, result, words="", **more):
    """Cannot be connected to any more."""
    return Row(faults, grew(f'upstream_connects_total{{result="{result}"}}'),
               lambda status: status["state"] != "live" and status["last_attempt"] == result,
               log=rf"connect failed result={result} detail=.*{words}", quiet=frozenset(LIVELY),
               **NOT_CONNECTED, **more)


def certificate(which, words):
    return unreachable([("certificate", {"which": which}), ("drop", {})], "tls", words)


def alert(*names):
    return frozenset(f"BackpackBridge{name}" for name in names)


FAULTS = {
    # A single loss is no alert: the bridge is back before anybody could act. Many are.
    "drop": Row([("drop", {})], disconnected("reset"), lost("reset"),
                log="disconnected reason=reset"),
    "drop by FIN": Row([("drop", {"reset": False})], disconnected("reset"), lost("reset"),
                       log="disconnected reason=reset"),
    "drop again and again": Row(
        [("drop", {})] * 8, grew("upstream_reconnects_total", 8),
        lambda status: status["reconnects"] >= 8,
        log="connected connection=7", alerts=alert("ReconnectStorm")),
    "close": Row([("close", {"code": 1012})], disconnected("closed"), lost("closed"),
                 log="disconnected reason=closed detail=.*1012"),
    "shutdown": Row([("shutdown", {})], disconnected("closed"), lost("closed"),
                    log="disconnected reason=closed detail=.*1001"),
    # It answers pings, so the connection is alive; only what does not come tells. Once it speaks
    # again, its ids tell that messages were lost, and no reconnect explains that.
    "silent": Row([("silent", {})], is_quiet(*LIVELY), say_quiet(*LIVELY),
                  alerts=alert("Silent", "SequenceGaps"), takes=3, quiet=frozenset(LIVELY)),
    # Where that has a limit, the bridge finds data on a new connection.
    "silent for too long": Row([("silent", {})], disconnected("mute"), lost("mute"),
                               log="disconnected reason=mute", takes=12, alerts=alert("Mute"),
                               settings={"BRIDGE_UPSTREAM__DATA_TIMEOUT_MS": "12000"}),
    "deaf and mute": Row([("deaf", {"mute": True})], disconnected("idle"), lost("idle"),
                         log="disconnected reason=idle", takes=12,
                         settings={"BRIDGE_UPSTREAM__IDLE_TIMEOUT_MS": "12000"}),
    # While data comes, unanswered pings take nothing away.
    "deaf": Row([("deaf", {})]),
    # A little less than what it has to say: on a slower way some streams would hardly come.
    "slow": Row([("slow", {"per_byte_us": 1000})],
                more_beyond("exchange_lag_seconds_bucket", 'type="depth",', "1"),
                lambda status: status["lag"]["sum_seconds"] > status["lag"]["count"] * 0.3,
                alerts=alert("Lag"), takes=10),
    "skip_ids": Row([("skip_ids", {"stream": DEPTH})],
                    grew(f'sequence_gaps_total{{stream="{DEPTH}"}}'),
                    lambda status: streams(status, "gaps")[DEPTH] > 0,
                    log=f"gap stream={DEPTH} expected=", alerts=alert("SequenceGaps")),
    # One stream is quiet while others come. That messages were lost shows once it is back.
    "skip_ids without end": Row([("skip_ids", {"stream": DEPTH, "count": 1_000_000})],
                                is_quiet(DEPTH), say_quiet(DEPTH), takes=3,
                                quiet=frozenset({DEPTH}),
                                alerts=alert("StreamStale", "SequenceGaps")),
    "mute_stream": Row([("mute_stream", {"stream": DEPTH})], is_quiet(DEPTH), say_quiet(DEPTH), takes=3,
                       quiet=frozenset({DEPTH}), alerts=alert("StreamStale", "SequenceGaps")),
    # What was asked for in vain is asked for again.
    "ignore_requests": Row([("ignore_requests", {}), ("drop", {})], disconnected("reset"), lost("reset"),
                           log="disconnected reason=reset",
                           settings={"BRIDGE_UPSTREAM__RESUBSCRIBE_AFTER_MS": "1000"}),
    # Nothing is missing. It is passed on as it came, and is no gap.
    "repeat": Row([("repeat", {"stream": DEPTH}),
                   ("publish", {"stream": SILENT, "data": "{}"}), ("repeat", {"stream": SILENT})],
                  grew(f'received_messages_total{{stream="{SILENT}"}}', 2),
                  lambda status: streams(status, "messages")[SILENT] == 2
                  and streams(status, "gaps")[DEPTH] == 0),
    "garbage text": Row([("garbage", {})], grew("malformed_messages_total"),
                        lambda status: status["received"]["malformed"] > 0,
                        log="malformed message", alerts=alert("MalformedMessages")),
    "garbage binary": Row([("garbage", {"layer": "binary"})], grew("malformed_messages_total"),
                          lambda status: status["received"]["malformed"] > 0,
                          log="malformed message", alerts=alert("MalformedMessages")),
    "garbage bytes": Row([("garbage", {"layer": "bytes"})], disconnected("protocol"),
                         lost("protocol"), log="disconnected reason=protocol"),
    "huge": Row([("huge", {"bytes": 2_000_000})], disconnected("oversized"), lost("oversized"),
                log="disconnected reason=oversized",
                settings={"BRIDGE_UPSTREAM__MAX_MESSAGE_BYTES": "1000000"}),
    "unsolicited": Row([("unsolicited", {})], grew('received_messages_total{stream="other"}'),
                       lambda status: status["received"]["messages"]
                       > sum(streams(status, "messages").values())),
    "error": Row([("error", {})], grew('upstream_errors_total{code="other"}'),
                 lambda status: status["errors"]["other"] > 0,
                 log="error from the exchange code=4000", alerts=alert("UpstreamErrors")),
    "refuse": unreachable(REFUSED, "tcp"),
    "certificate expired": certificate("expired", "certificate has expired"),
    "certificate wrong_host": certificate("wrong_host", "hostname mismatch"),
    "certificate self_signed": certificate("self_signed", "self-signed certificate"),
    "tls_version": unreachable([("tls_version", {"which": "outdated"}), ("drop", {})], "tls"),
    # Where TLS 1.2 is spoken; 1.3 knows no such thing. The bridge refuses, and is back at once.
    "renegotiate": Row([("tls_version", {"which": "tls12"}), ("drop", {}), ("renegotiate", {})],
                       grew("upstream_reconnects_total", 2),
                       lambda status: status["reconnects"] > 1,
                       log="disconnected reason=protocol detail=.*negotiate TLS 1.2 anew"),
    "answer": unreachable([("answer", {"bytes": "HTTP/1.1 503 Service Unavailable\r\n\r\n"}),
                           ("drop", {})], "handshake", "503"),
    # The REST side alone: without it neither a clock can be compared nor a book begun.
    "answer to rest": Row([("answer", {"to": "rest", "bytes": "HTTP/1.1 503 No\r\n\r\n"})],
                          lambda before, now: now["clock_known"] == 0
                          and now[f'book_in_sync{{stream="{DEPTH}"}}'] == 0,
                          lambda status: status["clock_offset_ms"] is None
                          and streams(status, "book")[DEPTH] == "syncing",
                          log="clock offset unknown detail=.*503", before_start=True,
                          settings={"BRIDGE_PUBLISH__BOOKS": DEPTH},
                          alerts=alert("ClockUnknown", "BookOutOfSync"),
                          lasting=alert("ClockUnknown")),
    # A refusal is asked about once more before it is believed.
    "reject_signatures": Row([("reject_signatures", {}), ("drop", {})],
                             lambda before, now: grew('upstream_errors_total{code="4003"}')(before, now)
                             and now['stream_subscribed{stream="account.orderUpdate"}'] == 0,
                             lambda status:
                             streams(status, "state")["account.orderUpdate"] == "rejected",
                             reason=r"rejected: account\.orderUpdate \(4003 Invalid signature\)",
                             log="rejected stream=account.orderUpdate code=4003",
                             alerts=alert("LogInRefused", "StreamRejected"), takes=6),
    "shift_clock": Row([("shift_clock", {"ms": 4000})],
                       lambda before, now: now["clock_offset_seconds"] > 2.5,
                       lambda status: status["clock_offset_ms"] > 2500,
                       log="clock offset too large offset_ms=", before_start=True,
                       settings={"BRIDGE_UPSTREAM__WINDOW_MS": "5000"},
                       alerts=alert("ClockOffset"), lasting=alert("ClockOffset")),
}

# What befalls the bridge from elsewhere.
MISFORTUNES = {
    "killed": Row([kill], gone=Phase(DURING), heal=start_again, alerts=alert("Down")),
    "forgotten by Prometheus": Row([], gone=Phase(DURING, is_target=False),
                                   alerts=alert("NotScraped")),
    "started again and again": Row([restart] * 3, alerts=alert("Restarting")),
    "few files": Row([leave_few_files],
                     lambda before, now: now.values["process_open_fds"]
                     > 0.8 * now.values["process_max_fds"],
                     heal=leave_enough_files, alerts=alert("FilesRunOut")),
    "a consumer that does not read": Row(
        [join_and_read_nothing], grew('slow_subscriber_episodes_total{endpoint="public"}'),
        lambda status: status["slow_episodes"]["public"] > 0 and status["last_slow_ms"]["public"] > 0,
        log="slow consumer.*endpoint=public", settings={"BRIDGE_PUBLISH__SEND_HWM": "10"},
        heal=let_consumers_in, alerts=alert("SlowConsumer")),
    "a consumer for which too much waits": Row(
        [join_and_read_nothing], grew('evicted_subscribers_total{endpoint="public"}'),
        lambda status: status["evicted"]["public"] > 0 and status["last_evicted_ms"]["public"] > 0,
        log="evicted endpoint=public", settings={"BRIDGE_PUBLISH__QUEUE_BYTES": "1000000"},
        heal=let_consumers_in, alerts=alert("ConsumerEvicted")),
    "a stranger": Row([join_without_a_key_of_ours], grew('auth_failures_total{endpoint="public"}'),
                      log="refused", settings=with_curve, heal=let_consumers_in,
                      alerts=alert("AuthenticationFailures")),
    "a consumer that wants too much": Row(
        [subscribe_without_end], grew('turned_away_total{endpoint="public",reason="subscriptions"}'),
        log="turned away endpoint=public reason=subscriptions", heal=let_consumers_in,
        alerts=alert("ConsumersTurnedAway")),
    "JetStream is away": Row([stop_nats], lambda before, now: now["jetstream_connected"] == 0,
                             lambda status: not status["jetstream"]["ready"],
                             log="jetstream not ready", settings=with_nats, heal=start_nats,
                             alerts=alert("JetStreamNotConnected")),
    "JetStream is away for too long": Row(
        [stop_nats], grew("jetstream_lost_total"), lambda status: status["jetstream"]["lost"] > 0,
        log="jetstream losing messages", settings=with_nats_and_little_room, heal=start_nats,
        shows_after=LITTLE_ROOM, takes=5,
        alerts=alert("JetStreamNotConnected", "JetStreamLosing")),
    "nobody listens": Row([send_consumers_away],
                          lambda before, now: now['subscribers{endpoint="public"}'] == 0,
                          lambda status: status["subscribers"]["public"] == 0,
                          heal=let_consumers_in, alerts=alert("NoConsumers")),
    "a slow ZeroMQ": Row([slow_zeromq_down],
                         more_beyond("forward_seconds_bucket", "", "0.01", 20),
                         settings=with_slow_zeromq, heal=speed_zeromq_up, takes=5,
                         alerts=alert("ForwardingSlow")),
}

TABLE = {**FAULTS, **MISFORTUNES}

# On a machine that is busy with other things messages are late without a fault, and so is the exchange's time, which
# a row may also be asked for in the midst of its fault.
UNJUDGED = alert("Lag", "ForwardingSlow", "ClockUnknown")


class Case:
    """A row with its exchange, its bridge and one consumer at each endpoint."""

    def __init__(self, row, stack):
        self.row = row
        self.phases = []
        self._asked_at = None  # when the last of its faults was asked for, which makes it complete
        self.took = None       # seconds from then until every sign was there, where that can be said
        self.keys = self.server_key = self.slowness = self.nats = None
        self._stack = stack
        self._consumers = []
        self.directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.exchange = stack.enter_context(Exchange())
        stack.callback(self.end_consumers)
        self._settings = row.settings(self) if callable(row.settings) else row.settings
        if row.before_start:
            self._inject()
        self.start_bridge()

    def start_bridge(self):
        self.bridge = self._stack.enter_context(Bridge(self.exchange, STREAMS, **self._settings))
        self.end_consumers()
        self.start_consumers()
        self.exchange.wait_for_subscriptions(STREAMS)
        self.exchange.rate(20)
        wait_until(self.is_well, "a start")

    # -- Consumers

    def consumer(self, endpoint=None, keys=None, **options):
        socket = zmq.Context.instance().socket(zmq.SUB)
        self._consumers.append(socket)
        for name, value in {"linger": 0, **options}.items():
            setattr(socket, name, value)
        if keys:
            socket.curve_publickey, socket.curve_secretkey = keys
            socket.curve_serverkey = self.server_key
        socket.connect(endpoint or self.bridge.public)
        return socket

    def start_consumers(self):
        self.consumer(self.bridge.public, self.keys)
        self.consumer(self.bridge.private)
        wait_until(lambda: all(self.bridge.status()["subscribers"].values()), "a consumer at each")

    def end_consumers(self):
        for socket in self._consumers:
            socket.close()
        self._consumers.clear()

    # -- Whom else a fault befalls

    def limit_files(self, limits):
        """As `soft:hard`."""
        subprocess.run(["prlimit", f"--pid={self.bridge.pid}", f"--nofile={limits}"], check=True)

    def slow_zeromq_by(self, microseconds):
        """For each frame."""
        with open(self.slowness, "r+b" if self.slowness.exists() else "wb") as file:
            file.write(struct.pack("q", microseconds))

    def start_nats(self):
        """The first time, and after it has ended."""
        self.nats = self._stack.enter_context(
            self.nats.again() if self.nats else NatsServer(self._stack.enter_context(store())))

    def _inject(self):
        for position, fault in enumerate(self.row.faults, 1):
            self._asked_at = time.monotonic()
            if callable(fault):
                fault(self)
                continue
            kind, parameters = fault
            if kind == "publish":
                self.exchange.publish(**parameters)
                continue
            before = self.bridge.status()["connection"] if kind == "drop" else 0
            self.exchange.fault(kind, **parameters)
            if kind == "drop" and position < len(self.row.faults):
                wait_until(lambda: self.bridge.status()["connection"] > before, "a reconnect")

    # -- What is to be seen

    def look(self):
        return Look(self.bridge.get("/metrics")[1])

    def record(self, seconds, quiet=frozenset()):
        """The metrics, twice: between the two every stream has come that is to come."""
        begin = self.look()
        coming = LIVELY - quiet if quiet else LIVELY | {TRADE}

        def has_come(look):  # by the clock, too: what one read of the socket brings has the same time
            return all(look[series] > begin[series] for name in coming for series in
                       (f'received_messages_total{{stream="{name}"}}',
                        f'stream_last_message_timestamp_seconds{{stream="{name}"}}'))

        return Phase(seconds, begin, wait_until(
            lambda: look if has_come(look := self.look()) else None, "every stream that is to come"))

    def readiness(self):
        code, text = self.bridge.get("/readyz")
        answer = json.loads(text)
        assert (code == 200) == answer["ready"] == (not answer["reasons"]), (code, text)
        return answer["reasons"]

    def is_well(self):
        look = self.look()
        return look["upstream_connected"] == 1 and not self.readiness() and \
            look["jetstream_connected"] == look["jetstream_configured"] and \
            all(name in LIVELY and age is not None and age < 1000 or name not in LIVELY
                for name, age in streams(self.bridge.status(), "age_ms").items())

    def differences(self):
        """Where metrics, /status and readiness say different things."""
        look, status, reasons = self.look(), self.bridge.status(), self.readiness()
        pairs = {
            "connected": (look["upstream_connected"] == 1, status["state"] == "live"),
            "ready": (status["ready"], not reasons),
            "reasons": (status["reasons"], reasons),
            "reconnects": (look["upstream_reconnects_total"], status["reconnects"]),
            "malformed": (look["malformed_messages_total"], status["received"]["malformed"]),
            "subscribers": ([look[f'subscribers{{endpoint="{name}"}}'] for name in status["subscribers"]],
                            list(status["subscribers"].values())),
            "errors": ([look[f'upstream_errors_total{{code="{code}"}}'] for code in status["errors"]],
                       list(status["errors"].values())),
            "gaps": (look[f'sequence_gaps_total{{stream="{DEPTH}"}}'], streams(status, "gaps")[DEPTH]),
            "not subscribed": ({name for name in STREAMS if look[f'stream_subscribed{{stream="{name}"}}'] == 0},
                               {stream["name"] for stream in status["streams"]
                                if stream["waiting"] or stream["state"] == "rejected"}),
            "waiting": (any("not yet requested" in reason for reason in reasons),
                        status["state"] == "live" and any(streams(status, "waiting").values())),
        }
        return {what: pair for what, pair in pairs.items() if pair[0] != pair[1]}

    def complaints(self):
        """Warnings and errors in the log, since the fault."""
        return [line for line in self.bridge.lines[self._said_before:]
                if re.search(r" (WARN|ERROR) ", line)]

    def is_as_ready_as_it_should(self):
        reasons = self.readiness()
        if self.row.reason is None:
            return not reasons
        return any(re.search(self.row.reason, reason) for reason in reasons)

    # -- From beginning to end

    def run(self):
        """Returns when the fault has shown everywhere, and healed."""
        before = None if self.row.before_start else self.look()
        if before:  # where somebody was held up, what is alive looked quiet for a moment
            wait_until(lambda: not self.shows_in_metric(before), "a metric that does not say so without a fault")
            wait_until(lambda: not self.shows_in_status(), "a /status that does not say so without a fault")
        self.phases.append(self.record(BEFORE))
        self._said_before = 0 if self.row.before_start else len(self.bridge.lines)
        if not self.row.before_start:
            self._inject()
        if self.row.gone:
            self.phases.append(self.row.gone)
        else:
            self._watch(before)
        self._heal()

    def shows_in_metric(self, before):
        return self.row.metric is not None and self.row.metric(before, self.look())

    def shows_in_status(self):
        return self.row.status is not None and self.row.status(self.bridge.status())

    def _watch(self, before):
        if self.row.metric:
            wait_until(lambda: self.shows_in_metric(before), "the metric")
        if self.row.status:
            wait_until(self.shows_in_status, "/status")
        wait_until(self.is_as_ready_as_it_should, "/readyz")
        if self.row.log:
            self.bridge.wait_for_line(self.row.log)
        row = self.row
        is_timed = not row.before_start and not row.shows_after
        if is_timed and (row.metric or row.status or row.reason or row.log):
            self.took = time.monotonic() - self._asked_at
        self._wait_for_agreement()
        self.phases.append(self.record(DURING, self.row.quiet))
        if not self.row.log:
            assert not self.complaints(), self.complaints()

    def _wait_for_agreement(self):
        differences = {}

        def agree():
            nonlocal differences
            differences = self.differences()
            return not differences

        try:
            wait_until(agree, "metrics, /status and readiness to agree")
        except AssertionError as late:
            raise AssertionError(f"{late}: {differences}") from None

    def _heal(self):
        self.exchange.fault("heal")
        if self.row.heal:
            self.row.heal(self)
        wait_until(self.is_well, "health")
        wait_until(lambda: "syncing" not in streams(self.bridge.status(), "book").values(), "the books")
        if IS_HEAVY:
            wait_until(lambda: not is_clock_off(self.look()), "a clock that is right", 90)
        self._wait_for_agreement()
        # What the log says last of the connection is what metrics and /status say.
        connected = f" connected connection={self.bridge.status()['connection']} "
        wait_until(lambda: connected in self._last_said_of_the_connection(), f"{connected!r} in the log")
        self.phases.append(self.record(AFTER))

    def _last_said_of_the_connection(self):
        said = [line for line in self.bridge.lines if re.search(r" (disconnected|connect failed|connected) ", line)]
        return said[-1]

    def lasting_alerts(self):
        """Those that have not healed yet when the last is recorded, and need not have."""
        return self.row.lasting if is_clock_off(self.phases[-1].end) else frozenset()


def run(row):
    """Returns what promtool says against the alerts that the row raised, and how long it took to show."""
    with contextlib.ExitStack() as stack:
        case = Case(row, stack)
        case.run()
    return complaint(case.phases, row.alerts, case.lasting_alerts(), UNJUDGED), case.took


class FaultsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        pool = cls.enterClassContext(concurrent.futures.ThreadPoolExecutor(AT_ONCE))
        # What takes longest begins first: nobody waits for it alone in the end.
        cls.runs = {name: pool.submit(run, row)
                    for name, row in sorted(TABLE.items(), key=lambda entry: -entry[1].takes)
                    if SLOW_ZEROMQ or row.settings is not with_slow_zeromq}

    def test_each_shows_in_metrics_status_readiness_and_log_which_agree_and_heals(self):
        for name, done in self.runs.items():
            with self.subTest(fault=name):
                done.result()

    def test_each_raises_its_alerts_and_no_other(self):
        for name, done in self.runs.items():
            if done.exception():
                continue  # told by the test of that
            with self.subTest(fault=name):
                self.assertEqual(done.result()[0], "")

    @unittest.skipUnless(IS_HEAVY, "BPX_HEAVY=1: where one has the machine to itself")
    def test_each_shows_within_two_seconds(self):
        for name, done in self.runs.items():
            if done.exception():
                continue  # told above
            with self.subTest(fault=name):
                took = done.result()[1]
                if took is None:
                    self.skipTest("nothing shows it, or nobody can say when that ought to")
                self.assertLessEqual(took - TABLE[name].takes, SHOWN_WITHIN)

    def test_for_every_alert_there_is_a_fault(self):
        groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
        alerts = {rule["alert"] for group in groups for rule in group["rules"]}
        self.assertEqual(set().union(*(row.alerts for row in TABLE.values())), alerts)

    def test_all_that_the_exchange_can_do_is_in_the_table(self):
        """The exchange's own README lists the kinds."""
        text = (ROOT / "tests/exchange/README.md").read_text(encoding="utf-8")
        kinds = set(re.findall(r"^\| `(\w+)` \| ", text.split("| kind |")[1], re.MULTILINE))
        shown = {kind for row in FAULTS.values() for kind, _ in row.faults}
        self.assertEqual(kinds - shown, {"heal", "list", "rate"})  # which are no faults


class JsonLogTest(unittest.TestCase):
    KEYS = {
        "started": {"version", "epoch", "streams"},
        "publishing": {"endpoint", "audience"},
        "serving http": {"endpoint"},
        "connected": {"connection", "host"},
        "clock offset": {"offset_ms", "round_trip_ms"},
        "gap": {"stream", "expected", "got", "gaps"},
        "error from the exchange": {"code", "message", "about_a_request", "count"},
        "malformed message": {"fault", "bytes", "count"},
        "rejected": {"stream", "code", "message"},
        "disconnected": {"reason", "detail", "lived_ms", "retry_ms"},
        "connect failed": {"result", "detail", "attempt", "retry_ms"},
        "shutdown": {"cause"},
        "stopped": set(),
    }

    def test_each_line_is_an_object_whose_keys_are_always_the_same(self):
        with Exchange() as exchange:
            environment = exchange.environment(
                **KEYS, BRIDGE_LOG__FORMAT="json", BRIDGE_UPSTREAM__BACKOFF_MAX_MS="100",
                BRIDGE_UPSTREAM__STREAMS="depth.SOL_USDC,trade.BOGUS",
                BRIDGE_PUBLISH__PRIVATE__BIND="tcp://127.0.0.1:*")
            with Program([BRIDGE], environment) as bridge:
                bridge.wait_for_line('"event":"rejected"')
                bridge.wait_for_line('"event":"clock offset"')
                exchange.rate(100)
                exchange.fault("error")
                bridge.wait_for_line('"event":"error from the exchange"')
                exchange.fault("garbage")
                bridge.wait_for_line('"event":"malformed message"')
                wait_until(lambda: any(frame["stream"] == DEPTH for frame in exchange.log(0)), "ids to follow")
                exchange.fault("skip_ids", stream=DEPTH)
                bridge.wait_for_line('"event":"gap"')
                exchange.fault("refuse")
                exchange.fault("drop")
                bridge.wait_for_line('"event":"connect failed"')
                self.assertEqual(bridge.stop(), 0)
            lines = [json.loads(line) for line in bridge.lines]
        seen = {}
        for line in lines:
            self.assertRegex(line.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
            self.assertIn(line.pop("level"), ("info", "warn", "error"))
            seen.setdefault(line.pop("event"), []).append(set(line))
        for event, keys in self.KEYS.items():
            with self.subTest(event=event):
                self.assertTrue(seen.get(event), "never seen")
                for found in seen[event]:
                    self.assertEqual(found, keys)


if __name__ == "__main__":
    unittest.main()
