"""What shows each fault: a metric, /status, readiness, a log line, an alert.

One exchange and one bridge for each row, all under one Prometheus with the project's alert rules.
"""

import contextlib
import json
import re
import typing
import unittest

from harness import BRIDGE, KEYS, ROOT, Bridge, Exchange, Program, wait_until
from prometheus_server import PrometheusServer

SILENT = "account.rfqUpdate"  # of which the market says nothing
STREAMS = ["trade.SOL_USDC", "bookTicker.SOL_USDC", "depth.SOL_USDC", "account.orderUpdate", SILENT]
ALERT_DEADLINE = 180.0  # what an alert may take: those on silence wait for 40 s before they are pending


class Row(typing.NamedTuple):
    """A fault, and what shows it. None where that kind of sign says, rightly, nothing.

    `metric` is an expression over Prometheus' series of this bridge that is to have a result;
    `status` holds of /status; neither holds before the fault. `reason` is one of /readyz, where
    None stands for ready; `log` is a pattern, where None stands for neither warning nor error.
    `alert` fires, with those of `alongside` and no other; `pending` would, if this test took longer.
    """
    faults: list
    metric: typing.Optional[str] = None
    status: typing.Optional[typing.Callable] = None
    reason: typing.Optional[str] = None
    log: typing.Optional[str] = None
    alert: typing.Optional[str] = None
    alongside: tuple = ()
    pending: typing.Optional[str] = None
    before_start: bool = False
    settings: dict = {}


def disconnected(reason):
    return f'backpack_bridge_upstream_disconnects_total{{reason="{reason}"}} > 0'


def lost(reason):
    return lambda status: (status["last_disconnect"] or {}).get("reason") == reason


def streams(status, key):
    return {stream["name"]: stream[key] for stream in status["streams"]}


REFUSED = [("refuse", {}), ("drop", {})]
DOWN = {"reason": "not connected", "alert": "BackpackBridgeNotConnected"}


def certificate(which, words):
    return Row([("certificate", {"which": which}), ("drop", {})],
               'backpack_bridge_upstream_connects_total{result="tls"} > 0',
               lambda status: status["state"] != "live",
               log=rf"connect failed result=tls detail=.*{words}", **DOWN)


TABLE = {
    # A single loss is no alert: the bridge is back before anybody could act. Many are.
    "drop": Row([("drop", {})], disconnected("reset"), lost("reset"),
                log="disconnected reason=reset"),
    "drop by FIN": Row([("drop", {"reset": False})], disconnected("reset"), lost("reset"),
                       log="disconnected reason=reset"),
    "drop again and again": Row(
        [("drop", {})] * 8, "backpack_bridge_upstream_reconnects_total > 5",
        lambda status: status["reconnects"] > 5,
        log="connected connection=7", alert="BackpackBridgeReconnectStorm"),
    "close": Row([("close", {"code": 1012})], disconnected("closed"), lost("closed"),
                 log="disconnected reason=closed detail=.*1012"),
    "shutdown": Row([("shutdown", {})], disconnected("closed"), lost("closed"),
                    log="disconnected reason=closed detail=.*1001"),
    # It answers pings, so the connection is alive; only what does not come tells.
    "silent": Row([("silent", {})],
                  "time() - max by (instance) "
                  "(backpack_bridge_stream_last_message_timestamp_seconds) > 3",
                  lambda status: status["time_ms"] - status["last_message_ms"] > 3000,
                  alert="BackpackBridgeSilent"),
    "deaf and mute": Row([("deaf", {"mute": True})], disconnected("idle"), lost("idle"),
                         log="disconnected reason=idle",
                         settings={"BRIDGE_UPSTREAM__IDLE_TIMEOUT_MS": "3000"}),
    # While data comes, unanswered pings take nothing away.
    "deaf": Row([("deaf", {})]),
    "slow": Row([("rate", {"per_second": 100}), ("slow", {"per_byte_us": 2000})],
                "histogram_quantile(0.99, sum by (le, instance) "
                "(rate(backpack_bridge_exchange_lag_seconds_bucket[1m]))) > 0.5",
                lambda status: status["lag"]["sum_seconds"] > status["lag"]["count"] * 0.1,
                pending="BackpackBridgeLag"),
    "skip_ids": Row([("skip_ids", {"stream": "depth.SOL_USDC"})],
                    'backpack_bridge_sequence_gaps_total{stream="depth.SOL_USDC"} > 0',
                    lambda status: streams(status, "gaps")["depth.SOL_USDC"] > 0,
                    log="gap stream=depth.SOL_USDC expected=", alert="BackpackBridgeSequenceGaps"),
    # Nothing is missing. It is passed on as it came, and is no gap.
    "repeat": Row([("repeat", {"stream": "depth.SOL_USDC"}),
                   ("publish", {"stream": SILENT, "data": "{}"}), ("repeat", {"stream": SILENT})],
                  f'backpack_bridge_received_messages_total{{stream="{SILENT}"}} == 2',
                  lambda status: streams(status, "messages")[SILENT] == 2
                  and streams(status, "gaps")["depth.SOL_USDC"] == 0),
    "garbage text": Row([("garbage", {})], "backpack_bridge_malformed_messages_total > 0",
                        lambda status: status["received"]["malformed"] > 0,
                        log="malformed message", alert="BackpackBridgeMalformedMessages"),
    "garbage binary": Row([("garbage", {"layer": "binary"})],
                          "backpack_bridge_malformed_messages_total > 0",
                          lambda status: status["received"]["malformed"] > 0,
                          log="malformed message", alert="BackpackBridgeMalformedMessages"),
    "garbage bytes": Row([("garbage", {"layer": "bytes"})], disconnected("protocol"),
                         lost("protocol"), log="disconnected reason=protocol"),
    "huge": Row([("huge", {"bytes": 2_000_000})], disconnected("oversized"), lost("oversized"),
                log="disconnected reason=oversized",
                settings={"BRIDGE_UPSTREAM__MAX_MESSAGE_BYTES": "1000000"}),
    "unsolicited": Row([("unsolicited", {})],
                       'backpack_bridge_received_messages_total{stream="other"} > 0',
                       lambda status: status["received"]["messages"]
                       > sum(streams(status, "messages").values())),
    "error": Row([("error", {})], 'backpack_bridge_upstream_errors_total{code="other"} > 0',
                 lambda status: status["errors"]["other"] > 0,
                 log="error from the exchange code=4000", alert="BackpackBridgeUpstreamErrors"),
    "refuse": Row(REFUSED, 'backpack_bridge_upstream_connects_total{result="tcp"} > 0',
                  lambda status: status["state"] != "live",
                  log="connect failed result=tcp", **DOWN),
    "certificate expired": certificate("expired", "certificate has expired"),
    "certificate wrong_host": certificate("wrong_host", "hostname mismatch"),
    "certificate self_signed": certificate("self_signed", "self-signed certificate"),
    "tls_version": Row([("tls_version", {"which": "outdated"}), ("drop", {})],
                       'backpack_bridge_upstream_connects_total{result="tls"} > 0',
                       lambda status: status["state"] != "live",
                       log=r"connect failed result=tls", **DOWN),
    # Where TLS 1.2 is spoken; 1.3 knows no such thing. The bridge refuses, and is back at once.
    "renegotiate": Row([("tls_version", {"which": "tls12"}), ("drop", {}), ("renegotiate", {})],
                       "backpack_bridge_upstream_reconnects_total > 1",
                       lambda status: status["reconnects"] > 1,
                       log="connected connection=3"),
    "answer": Row([("answer", {"bytes": "HTTP/1.1 503 Service Unavailable\r\n\r\n"}), ("drop", {})],
                  'backpack_bridge_upstream_connects_total{result="handshake"} > 0',
                  lambda status: status["state"] != "live",
                  log=r"connect failed result=handshake detail=.*503", **DOWN),
    "reject_signatures": Row([("reject_signatures", {}), ("drop", {})],
                             'backpack_bridge_upstream_errors_total{code="4003"} > 0',
                             lambda status:
                             streams(status, "state")["account.orderUpdate"] == "rejected",
                             reason=r"rejected: account\.orderUpdate \(4003 Invalid signature\)",
                             log="rejected stream=account.orderUpdate code=4003",
                             alert="BackpackBridgeLogInRefused",
                             alongside=("BackpackBridgeStreamRejected",)),
    "shift_clock": Row([("shift_clock", {"ms": 4000})],
                       "backpack_bridge_clock_offset_seconds > 2.5",
                       lambda status: status["clock_offset_ms"] > 2500,
                       log="WARN +clock offset offset_ms=",
                       pending="BackpackBridgeClockOffset", before_start=True),
}


class Case:
    """A row with its exchange and bridge."""

    def __init__(self, row, stack):
        self.row = row
        self.exchange = stack.enter_context(Exchange())
        if row.before_start:
            self._inject()
        self.bridge = stack.enter_context(Bridge(self.exchange, STREAMS, **row.settings))
        self.instance = self.bridge.http.removeprefix("http://")

    def start(self):
        self.exchange.wait_for_subscriptions(STREAMS)
        self.exchange.rate(20)
        # Faults that fall on a stream need a message before them.
        wait_until(lambda: streams(self.bridge.status(), "messages")["depth.SOL_USDC"] > 0, "the first message")

    def _inject(self):
        for position, (kind, parameters) in enumerate(self.row.faults, 1):
            if kind == "publish":
                self.exchange.publish(**parameters)
                continue
            before = self.bridge.status()["connection"] if kind == "drop" else 0
            self.exchange.fault(kind, **parameters)
            if kind == "drop" and position < len(self.row.faults):
                wait_until(lambda: self.bridge.status()["connection"] > before, "a reconnect")

    def inject(self):
        self._said_before = len(self.bridge.lines)
        if not self.row.before_start:
            self._inject()

    def complaints(self):
        """Warnings and errors in the log, since the fault."""
        return [line for line in self.bridge.lines[self._said_before:]
                if re.search(r" (WARN|ERROR) ", line)]

    def shows_by_itself(self, prometheus):
        """Whether metric or status would show the fault without it."""
        return not self.row.before_start and (
            (self.row.metric and self.shows_metric(prometheus))
            or (self.row.status and self.row.status(self.bridge.status())))

    def shows_metric(self, prometheus):
        return any(sample["metric"].get("instance") == self.instance
                   for sample in prometheus.query(self.row.metric))

    def reasons(self):
        code, text = self.bridge.get("/readyz")
        answer = json.loads(text)
        assert (code == 200) == answer["ready"] == (not answer["reasons"]), (code, text)
        return answer["reasons"]

    def is_as_ready_as_it_should(self):
        reasons = self.reasons()
        if self.row.reason is None:
            return not reasons
        return any(re.search(self.row.reason, reason) for reason in reasons)


class FaultsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.cases = {name: Case(row, stack) for name, row in TABLE.items()}
            instances = [case.instance for case in cls.cases.values()]
            cls.prometheus = stack.enter_context(PrometheusServer(instances))
            for case in cls.cases.values():
                case.start()
            cls.prometheus.wait_for_scrapes(instances)
            for name, case in cls.cases.items():
                wait_until(lambda: not case.shows_by_itself(cls.prometheus), f"a start without {name}")
            for case in cls.cases.values():
                case.inject()
            cls.addClassCleanup(stack.pop_all().close)

    def each(self, check):
        """Every row gets its chance, whatever becomes of those before it."""
        for name, case in self.cases.items():
            with self.subTest(fault=name):
                check(case)

    def test_each_shows_in_a_metric(self):
        def check(case):
            if case.row.metric:
                wait_until(lambda: case.shows_metric(self.prometheus), case.row.metric)
        self.each(check)

    def test_each_shows_in_status(self):
        def check(case):
            if case.row.status:
                wait_until(lambda: case.row.status(case.bridge.status()), "/status")
        self.each(check)

    def test_each_shows_in_readiness_if_it_takes_data_away(self):
        self.each(lambda case: wait_until(case.is_as_ready_as_it_should, "/readyz"))

    def test_each_shows_in_the_log_unless_it_is_harmless(self):
        def check(case):
            if case.row.log:
                case.bridge.wait_for_line(case.row.log)
            else:
                self.assertEqual(case.complaints(), [])
        self.each(check)

    def test_each_raises_its_alert_and_no_other(self):
        def raises_its_own(case):
            if case.row.alert:
                wait_until(lambda: case.row.alert in self.prometheus.alerts(case.instance, "firing"),
                           case.row.alert, ALERT_DEADLINE)
            if case.row.pending:
                wait_until(lambda: case.row.pending in self.prometheus.alerts(case.instance),
                           case.row.pending, ALERT_DEADLINE)

        def raises_no_other(case):
            expected = {case.row.alert, *case.row.alongside} - {None}
            firing = set()

            def is_as_expected():
                nonlocal firing
                firing = self.prometheus.alerts(case.instance, "firing") - {case.row.pending}
                return firing == expected

            with contextlib.suppress(AssertionError):  # which could not tell which ones
                wait_until(is_as_expected, "the alerts")
            self.assertEqual(firing, expected)

        self.each(raises_its_own)
        self.each(raises_no_other)

        for alert in self.prometheus.all_alerts():
            for text in alert["annotations"].values():
                self.assertNotIn("error expanding template", text)

    def test_all_that_the_exchange_can_do_is_in_the_table(self):
        """The exchange's own README lists the kinds."""
        text = (ROOT / "tests/exchange/README.md").read_text(encoding="utf-8")
        kinds = set(re.findall(r"^\| `(\w+)` \| ", text.split("| kind |")[1], re.MULTILINE))
        shown = {kind for row in TABLE.values() for kind, _ in row.faults}
        self.assertEqual(kinds - shown, {"heal"})


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
                wait_until(exchange.sent, "ids to follow")
                exchange.fault("skip_ids", stream="depth.SOL_USDC")
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
