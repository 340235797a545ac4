"""Each alert firing and not firing, by promtool, in a time of its own: hours pass in milliseconds."""

import json
import pathlib
import re
import subprocess
import tempfile
import typing
import unittest

import yaml

from harness import ROOT

DIRECTORY = ROOT / "deploy/prometheus"
RULES = DIRECTORY / "alerts.yml"

STEP = 5  # seconds between two scrapes
SOON = 1000  # seconds: what takes longer is evaluated less often, as nothing hangs on a few seconds then
STEP_LATER = 50
END = 3 * 3600 // STEP

TARGET = {"job": "backpack-bridge", "instance": "bridge:9464"}


# ---- Series, in promtool's notation

def steady(value):
    return f"{value}x{END}"


def until(seconds, before, after):
    """One value up to and with a time, another from then on."""
    return f"{before}x{seconds // STEP} {after}x{END}"


def counts(per_step):
    return f"0+{per_step}x{END}"


def rises(by, at):
    """A counter that is 0 and then, from a time on, `by`."""
    return until(at, 0, by)


FRESH = f"0+{STEP}x{END}"      # the time of the last message, while messages come
NEVER = steady(0)


def stops(at):
    return f"0+{STEP}x{at // STEP} {at}x{END}"


def drops(every, times):
    """A counter that rises by one every so many seconds, so many times."""
    return " ".join(f"{n}x{every // STEP}" for n in range(times)) + f" {times}x{END}"


# ---- What is alerted of

class Case(typing.NamedTuple):
    alert: str
    why: str
    series: dict
    at: int                    # seconds
    fires: typing.Optional[list] = None  # labels beyond the target's; None where it must not fire


def name(metric, **labels):
    """A series of the target. `up` is Prometheus' own, `process_*` everybody's."""
    prefix = "" if metric == "up" or metric.startswith("process_") else "backpack_bridge_"
    text = ",".join(f'{key}="{value}"' for key, value in {**TARGET, **labels}.items())
    return f"{prefix}{metric}{{{text}}}"


def upstream(connected=steady(1)):
    return {name("upstream_connected"): connected}


def stream(stream_name, last, subscribed=steady(1)):
    return {name("stream_last_message_timestamp_seconds", stream=stream_name): last,
            name("stream_subscribed", stream=stream_name): subscribed}


def book(in_sync, messages):
    return {name("book_in_sync", stream=DEPTH): in_sync,
            name("received_messages_total", stream=DEPTH): messages}


def lag(share_slow):
    """A histogram of 100 messages a step, of which a share took more than a second."""
    return {name("exchange_lag_seconds_bucket", type="trade", le=le): counts(count)
            for le, count in (("0.1", 100 - share_slow), ("1", 100 - share_slow),
                              ("2.5", 100), ("+Inf", 100))}


def forward(share_slow):
    return {name("forward_seconds_bucket", le=le): counts(count)
            for le, count in (("0.001", 100 - share_slow), ("0.01", 100), ("+Inf", 100))}


def clock(offset, tolerance=2.5):
    return {name("clock_offset_seconds"): offset,
            name("clock_tolerance_seconds"): steady(tolerance)}


def signature_refused(at):
    return {name("upstream_errors_total", code="4003"): rises(1, at)}


def gaps(at, reconnect_at=None, of=None):
    """A hole in a stream, and perhaps a reconnect."""
    return {name("sequence_gaps_total", stream=of or TRADE): rises(1, at),
            name("upstream_reconnects_total"):
            rises(1, reconnect_at) if reconnect_at else steady(0)}


TICKER, BOOK_TICKER = "ticker.SOL_USDC", "bookTicker.SOL_USDC"
TRADE, KLINE = "trade.SOL_USDC", "kline.1m.SOL_USDC"
OI, MARK = "openInterest.SOL_USDC_PERP", "markPrice.SOL_USDC_PERP"
LIQUIDATION, ACCOUNT = "liquidation", "account.orderUpdate"
LOG_IN = "BackpackBridgeLogInRefused"
OUTAGE = f"1x60 0x20 1x{END}"  # from 300 s on, for 100 s
DEPTH = "depth.SOL_USDC"
OTHER = stream("ticker.BTC_USDC", FRESH)  # something still comes
STALE = "BackpackBridgeStreamStale"


def stale(stream_name, kind):
    return [{"stream": stream_name, "class": kind}]


CASES = [
    Case("BackpackBridgeDown", "no answer", {name("up"): until(300, 1, 0)}, 400, [{}]),
    Case("BackpackBridgeDown", "one scrape missed", {name("up"): f"1x60 0 1x{END}"}, 305),

    Case("BackpackBridgeNotScraped", "no target", {}, 120, [{}]),
    Case("BackpackBridgeNotScraped", "down, but known", {name("up"): steady(0)}, 120),

    Case("BackpackBridgeRestarting", "three starts in 15 minutes",
         {name("process_start_time_seconds"): "1x30 2x30 3x30 4x200"}, 500, [{}]),
    Case("BackpackBridgeRestarting", "an upgrade",
         {name("process_start_time_seconds"): until(150, 1, 2)}, 500),

    Case("BackpackBridgeFilesRunOut", "nine of ten",
         {name("process_open_fds"): steady(900), name("process_max_fds"): steady(1000)}, 120, [{}]),
    Case("BackpackBridgeFilesRunOut", "half",
         {name("process_open_fds"): steady(500), name("process_max_fds"): steady(1000)}, 120),

    Case("BackpackBridgeNotConnected", "gone for good", upstream(until(300, 1, 0)), 400, [{}]),
    Case("BackpackBridgeNotConnected", "gone for half a minute",
         upstream(f"1x60 0x6 1x{END}"), 330),

    Case("BackpackBridgeReconnectStorm", "twelve in six minutes",
         {name("upstream_reconnects_total"): drops(30, 12)}, 400, [{}]),
    Case("BackpackBridgeReconnectStorm", "one",
         {name("upstream_reconnects_total"): rises(1, 300)}, 400),
    Case("BackpackBridgeReconnectStorm", "the bridge was restarted: the counter begins anew",
         {name("upstream_reconnects_total"): until(300, 50, 0)}, 400),

    Case("BackpackBridgeMute", "once", {name("upstream_disconnects_total", reason="mute"): rises(1, 300)},
         400, [{"reason": "mute"}]),
    Case("BackpackBridgeMute", "another reason",
         {name("upstream_disconnects_total", reason="reset"): rises(1, 300)}, 400),

    Case("BackpackBridgeSilent", "nothing comes",
         {**upstream(), **stream(TICKER, stops(300))}, 370, [{}]),
    Case("BackpackBridgeSilent", "nothing has ever come",
         {**upstream(), **stream(TICKER, NEVER)}, 300, [{}]),
    Case("BackpackBridgeSilent", "openInterest alone, for three minutes",
         {**upstream(), **stream(OI, stops(300))}, 500, [{}]),
    Case("BackpackBridgeSilent", "another stream still comes",
         {**upstream(), **stream(TICKER, stops(300)), **OTHER}, 370),
    Case("BackpackBridgeSilent", "openInterest alone, for a minute",
         {**upstream(), **stream(OI, stops(300))}, 370),
    Case("BackpackBridgeSilent", "only streams that may be quiet",
         {**upstream(), **stream(LIQUIDATION, stops(300)), **stream(ACCOUNT, NEVER)}, 3000),
    Case("BackpackBridgeSilent", "not connected, which is another alert",
         {**upstream(until(300, 1, 0)), **stream(TICKER, stops(300))}, 370),

    Case(STALE, "a quiet ticker", {**upstream(), **stream(TICKER, stops(300)), **OTHER}, 400,
         stale(TICKER, "seconds")),
    Case(STALE, "a ticker that never came", {**upstream(), **stream(TICKER, NEVER), **OTHER},
         400, stale(TICKER, "seconds")),
    Case(STALE, "a quiet bookTicker", {**upstream(), **stream(BOOK_TICKER, stops(300)), **OTHER}, 400,
         stale(BOOK_TICKER, "seconds")),
    Case(STALE, "a quiet depth", {**upstream(), **stream(DEPTH, stops(300)), **OTHER}, 400,
         stale(DEPTH, "seconds")),
    Case(STALE, "a quiet markPrice", {**upstream(), **stream(MARK, stops(300)), **OTHER}, 400,
         stale(MARK, "seconds")),
    Case(STALE, "a ticker and a bookTicker that come",
         {**upstream(), **stream(TICKER, FRESH), **stream(BOOK_TICKER, FRESH), **OTHER}, 10_000),
    Case(STALE, "a ticker, quiet for less than a minute",
         {**upstream(), **stream(TICKER, stops(300)), **OTHER}, 350),
    Case(STALE, "the ticker of a stock outside trading hours",
         {**upstream(), **stream("ticker.AAPL.US_USDC", stops(300)), **OTHER}, 10_000),
    Case(STALE, "a quiet liquidation",
         {**upstream(), **stream(LIQUIDATION, stops(300)), **OTHER}, 10_000),
    Case(STALE, "an account that does nothing",
         {**upstream(), **stream(ACCOUNT, NEVER), **OTHER}, 10_000),
    Case(STALE, "a stock outside trading hours",
         {**upstream(), **stream("bookTicker.AAPL.US_USDC", stops(300)), **OTHER}, 10_000),
    Case(STALE, "a ticker that pauses for 20 s",
         {**upstream(), **stream(TICKER, f"0+5x60 300x4 325+5x{END}"), **OTHER}, 320),
    Case(STALE, "a ticker that is rejected",
         {**upstream(), **stream(TICKER, stops(300), steady(0)), **OTHER}, 400),
    Case(STALE, "no connection, which is another alert",
         {**upstream(until(300, 1, 0)), **stream(TICKER, stops(300)), **OTHER}, 400),
    Case(STALE, "nothing at all comes, which is another alert",
         {**upstream(), **stream(TICKER, stops(300))}, 400),
    Case(STALE, "a quiet openInterest", {**upstream(), **stream(OI, stops(300)), **OTHER}, 700,
         stale(OI, "minutes")),
    Case(STALE, "an openInterest between two messages",
         {**upstream(), **stream(OI, stops(300)), **OTHER}, 420),
    Case(STALE, "a trade stream without a trade for an hour",
         {**upstream(), **stream(TRADE, stops(300)), **OTHER}, 4200, stale(TRADE, "hours")),
    Case(STALE, "a kline that no longer comes",
         {**upstream(), **stream(KLINE, stops(300)), **OTHER}, 4200, stale(KLINE, "hours")),
    Case(STALE, "a trade stream without a trade for ten minutes",
         {**upstream(), **stream(TRADE, stops(300)), **OTHER}, 900),

    Case("BackpackBridgeStreamRejected", "refused",
         {**upstream(), **stream(TRADE, NEVER, steady(0))}, 120, [{"stream": TRADE}]),
    Case("BackpackBridgeStreamRejected", "subscribed", {**upstream(), **stream(TRADE, NEVER)}, 120),
    Case("BackpackBridgeStreamRejected", "just being subscribed to",
         {**upstream(), **stream(TRADE, NEVER, until(20, 0, 1))}, 40),
    Case("BackpackBridgeStreamRejected", "not connected, which is another alert",
         {**upstream(until(300, 1, 0)), **stream(TRADE, NEVER, until(300, 1, 0))}, 900),
    Case("BackpackBridgeStreamRejected", "reconnected after an outage",
         {**upstream(OUTAGE), **stream(TRADE, NEVER, OUTAGE)}, 410),

    Case(LOG_IN, "4003, and the account's stream rejected",
         {**upstream(), **signature_refused(300), **stream(ACCOUNT, NEVER, until(300, 1, 0))},
         400, [{"code": "4003"}]),
    Case(LOG_IN, "4003 long ago, and the account's stream still rejected",
         {**upstream(), **signature_refused(300), **stream(ACCOUNT, NEVER, until(300, 1, 0))},
         3000, [{"code": "4003"}]),
    Case(LOG_IN, "4003, and the next signature was taken",
         {**upstream(), **signature_refused(300), **stream(ACCOUNT, NEVER)}, 400),
    Case(LOG_IN, "4003, and being signed anew",
         {**upstream(), **signature_refused(300),
          **stream(ACCOUNT, NEVER, f"1x60 0x4 1x{END}")}, 320),
    Case(LOG_IN, "4003 long ago, mended, and now not connected",
         {**upstream(until(3000, 1, 0)), **signature_refused(300),
          **stream(ACCOUNT, NEVER, until(3000, 1, 0))}, 3900),
    Case(LOG_IN, "4003 long ago, mended, and now an outage that has just ended",
         {**upstream(OUTAGE), **signature_refused(100), **stream(ACCOUNT, NEVER, OUTAGE)}, 410),
    Case(LOG_IN, "a wrong name, which is another alert",
         {**upstream(), name("upstream_errors_total", code="4006"): rises(1, 300),
          **stream(ACCOUNT, NEVER, until(300, 1, 0))}, 400),

    Case("BackpackBridgeUpstreamErrors", "an error of another kind",
         {name("upstream_errors_total", code="other"): rises(1, 300)}, 400, [{"code": "other"}]),
    Case("BackpackBridgeUpstreamErrors", "a wrong name, which is another alert",
         {name("upstream_errors_total", code="4006"): rises(1, 300)}, 400),

    Case("BackpackBridgeSequenceGaps", "a hole", gaps(300), 400, [{"stream": TRADE}]),
    Case("BackpackBridgeSequenceGaps", "a hole, and the last reconnect an hour ago",
         gaps(3900, reconnect_at=300), 4000, [{"stream": TRADE}]),
    Case("BackpackBridgeSequenceGaps", "an hour ago", gaps(300), 3900),
    Case("BackpackBridgeSequenceGaps", "a reconnect, which costs ids",
         gaps(305, reconnect_at=300), 400),
    Case("BackpackBridgeSequenceGaps", "a reconnect whose loss showed minutes later",
         gaps(540, reconnect_at=300), 1100),
    Case("BackpackBridgeSequenceGaps", "a stream on demand after a pause", gaps(300, of="other"),
         400),

    Case("BackpackBridgeBookOutOfSync", "for two minutes, while messages come",
         {**upstream(), **book(until(300, 1, 0), counts(10))}, 420, [{"stream": DEPTH}]),
    Case("BackpackBridgeBookOutOfSync", "for half a minute",
         {**upstream(), **book(f"1x60 0x6 1x{END}", counts(10))}, 335),
    Case("BackpackBridgeBookOutOfSync", "a market in which nothing happens",
         {**upstream(), **book(steady(0), steady(7))}, 600),
    Case("BackpackBridgeBookOutOfSync", "no connection, which is another alert",
         {**upstream(until(300, 1, 0)), **book(until(300, 1, 0), rises(100, 310))}, 375),

    Case("BackpackBridgeMalformedMessages", "one",
         {name("malformed_messages_total"): rises(1, 300)}, 400, [{}]),
    Case("BackpackBridgeMalformedMessages", "none",
         {name("malformed_messages_total"): steady(0)}, 400),

    Case("BackpackBridgeLag", "one in twenty is late", lag(5), 600, [{"type": "trade"}]),
    Case("BackpackBridgeLag", "one in a thousand is late", lag(0.1), 600),
    Case("BackpackBridgeLag", "not yet for long", lag(5), 120),

    Case("BackpackBridgeForwardingSlow", "one in twenty takes milliseconds", forward(5), 600, [{}]),
    Case("BackpackBridgeForwardingSlow", "one in a thousand does", forward(0.1), 600),

    Case("BackpackBridgeClockOffset", "slow by 3 s", clock(steady(3)), 300, [{}]),
    Case("BackpackBridgeClockOffset", "fast by 3 s", clock(steady(-3)), 300, [{}]),
    Case("BackpackBridgeClockOffset", "off by 2 s", clock(steady(2)), 300),
    Case("BackpackBridgeClockOffset", "off by 2 s, where signatures hold for 2 s",
         clock(steady(2), tolerance=1), 300, [{}]),
    Case("BackpackBridgeClockOffset", "off by 3 s, where signatures hold for a minute",
         clock(steady(3), tolerance=30), 300),
    Case("BackpackBridgeClockOffset", "unknown", clock(steady(0)), 300),

    Case("BackpackBridgeClockUnknown", "unknown for ten minutes",
         {name("clock_known"): steady(0)}, 700, [{}]),
    Case("BackpackBridgeClockUnknown", "unknown at first", {name("clock_known"): until(60, 0, 1)}, 700),

    Case("BackpackBridgeSlowConsumer", "an episode",
         {name("slow_subscriber_episodes_total", endpoint="public"): rises(1, 300)}, 400,
         [{"endpoint": "public"}]),
    Case("BackpackBridgeSlowConsumer", "none",
         {name("slow_subscriber_episodes_total", endpoint="public"): steady(0)}, 400),

    Case("BackpackBridgeConsumerEvicted", "one",
         {name("evicted_subscribers_total", endpoint="public"): rises(1, 300)}, 400,
         [{"endpoint": "public"}]),
    Case("BackpackBridgeConsumerEvicted", "none",
         {name("evicted_subscribers_total", endpoint="public"): steady(0)}, 400),

    Case("BackpackBridgeAuthenticationFailures", "one",
         {name("auth_failures_total", endpoint="private"): rises(1, 300)}, 400,
         [{"endpoint": "private"}]),
    Case("BackpackBridgeAuthenticationFailures", "none",
         {name("auth_failures_total", endpoint="private"): steady(0)}, 400),

    Case("BackpackBridgeConsumersTurnedAway", "one",
         {name("turned_away_total", endpoint="public", reason="crowded"): rises(1, 300)}, 400,
         [{"endpoint": "public", "reason": "crowded"}]),
    Case("BackpackBridgeConsumersTurnedAway", "none",
         {name("turned_away_total", endpoint="public", reason="crowded"): steady(0)}, 400),

    Case("BackpackBridgeNoConsumers", "published to nobody",
         {name("subscribers", endpoint="public"): steady(0),
          name("published_messages_total", endpoint="public"): counts(10)}, 900,
         [{"endpoint": "public"}]),
    Case("BackpackBridgeNoConsumers", "one listens",
         {name("subscribers", endpoint="public"): steady(1),
          name("published_messages_total", endpoint="public"): counts(10)}, 900),
    Case("BackpackBridgeNoConsumers", "an endpoint that publishes nothing",
         {name("subscribers", endpoint="private"): steady(0),
          name("published_messages_total", endpoint="private"): steady(0)}, 900),
]


def promtool(*arguments):
    result = subprocess.run(["promtool", *map(str, arguments)], text=True, capture_output=True,
                            check=False)
    return result.returncode, result.stdout + result.stderr


class AlertsTest(unittest.TestCase):
    def setUp(self):
        self.groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
        self.rules = [rule for group in self.groups for rule in group["rules"]]
        self.severity = {rule["alert"]: rule["labels"]["severity"] for rule in self.rules}
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def write_rules(self, alert, with_annotations):
        """Of that alert alone: no alert asks about another, and each costs time at every step.

        promtool compares annotations word by word; what they say is prose, and left out, but where
        it is what is looked at.
        """
        rules = [{key: value for key, value in rule.items() if with_annotations or key != "annotations"}
                 for rule in self.rules if rule["alert"] == alert]
        file = self.directory / f"{alert}.rules.yml"
        file.write_text(json.dumps({"groups": [{"name": alert, "rules": rules}]}))  # JSON is YAML
        return file.name

    def expected(self, case):
        target = {"job": TARGET["job"]} if case.alert == "BackpackBridgeNotScraped" else TARGET
        return [{"exp_labels": {**target, **labels, "severity": self.severity[case.alert]}}
                for labels in case.fires or []]

    def write_test(self, alert, every, cases, with_annotations):
        """`every`: seconds between two evaluations."""
        test = {
            "rule_files": [self.write_rules(alert, with_annotations)],
            "evaluation_interval": f"{every}s",
            "tests": [{
                "interval": f"{STEP}s",
                "input_series": [{"series": series, "values": values}
                                 for series, values in case.series.items()],
                "alert_rule_test": [{"eval_time": f"{case.at}s", "alertname": case.alert,
                                     "exp_alerts": self.expected(case)}],
            } for case in cases],
        }
        file = self.directory / f"{alert}.{every}.test.yml"
        file.write_text(json.dumps(test))
        return file

    def verdict(self, *cases, with_annotations=False):
        """What promtool says of these."""
        files = {}
        for case in cases:
            files.setdefault((case.alert, STEP if case.at < SOON else STEP_LATER), []).append(case)
        return promtool("test", "rules", *(
            self.write_test(alert, every, some, with_annotations) for (alert, every), some in files.items()))

    def test_each_fires_when_it_should_and_only_then(self):
        if self.verdict(*CASES)[0] == 0:
            return
        for case in CASES:  # which one it was, promtool does not tell
            with self.subTest(alert=case.alert, why=case.why):
                code, text = self.verdict(case)
                self.assertEqual(code, 0, text)

    def test_a_wrong_expectation_is_noticed(self):
        fires = next(case for case in CASES if case.fires)
        self.assertNotEqual(self.verdict(fires._replace(fires=None))[0], 0)
        quiet = next(case for case in CASES if case.fires is None)
        self.assertNotEqual(self.verdict(quiet._replace(fires=[{}]))[0], 0)
        self.assertNotEqual(self.verdict(quiet, fires, fires._replace(fires=None), quiet)[0], 0)

    def test_what_each_says_can_be_filled_in(self):
        """promtool tells of an alert that nobody expects, with all that it says."""
        _, text = self.verdict(*(case._replace(fires=None) for case in CASES if case.fires),
                               with_annotations=True)
        said = re.findall(r'Labels:\{alertname="(\w+)".*\s+Annotations:\{(.*)\}', text)
        self.assertEqual({alert for alert, _ in said}, set(self.severity))
        for alert, annotations in said:
            with self.subTest(alert=alert):
                self.assertEqual(re.findall(r"(\w+)=\"", annotations).count("summary"), 1)
                self.assertNotRegex(annotations, "error expanding template|<no value>|%!|[{]{2}")

    def test_every_alert_is_seen_firing_and_not_firing(self):
        alerts = set(self.severity)
        self.assertEqual({case.alert for case in CASES if case.fires}, alerts)
        self.assertEqual({case.alert for case in CASES if case.fires is None}, alerts)
        classes = {rule["labels"]["class"] for rule in self.rules if "class" in rule["labels"]}
        fired = {labels.get("class") for case in CASES for labels in case.fires or []}
        self.assertLessEqual(classes, fired)

    def test_every_alert_says_what_is_wrong_and_what_to_do(self):
        for rule in self.rules:
            with self.subTest(alert=rule["alert"]):
                self.assertIn(rule["labels"]["severity"], ("critical", "warning"))
                for part in ("summary", "description", "action"):
                    self.assertGreater(len(rule["annotations"][part]), 20, part)

    def test_readme_names_every_alert_and_no_other(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        listed = re.findall(r"^\| `(BackpackBridge\w+)` \| .{10,} \| .{5,} \|$", readme, re.MULTILINE)
        self.assertEqual(sorted(listed), sorted(self.severity))

    def test_prometheus_accepts_the_configuration(self):
        for what, file in (("rules", "alerts.yml"), ("config", "prometheus.yml")):
            code, text = promtool("check", what, DIRECTORY / file)
            self.assertEqual(code, 0, text)


if __name__ == "__main__":
    unittest.main()
