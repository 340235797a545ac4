"""Every query of every dashboard and alert, against a real Prometheus that scrapes a live bridge."""

import collections
import contextlib
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml

from harness import ROOT, Bridge, Exchange, wait_until
from prometheus_server import RULES, PrometheusServer

DASHBOARDS = ROOT / "deploy/grafana/dashboards"
STREAMS = ["trade.SOL_USDC", "bookTicker.SOL_USDC", "depth.SOL_USDC", "account.orderUpdate"]

# What Grafana puts in place of its variables.
VARIABLES = {"job": "backpack-bridge", "instance": ".*", "stream": "depth[.]SOL_USDC",
             "__rate_interval": "10m", "__range": "1h"}


def substitute(expression):
    for name, value in VARIABLES.items():
        expression = expression.replace(f"${name}", value)
    unknown = re.findall(r"\$[a-z_]\w*", expression)  # $1 is label_replace's
    assert not unknown, f"nobody fills in {unknown}: {expression}"
    return expression


def load_dashboards():
    return {path.stem: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(DASHBOARDS.glob("*.json"))}


def panels_with_queries(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] not in ("row", "text")]


def queries(dashboard):
    """Pairs of what a query is for and its expression."""
    for panel in panels_with_queries(dashboard):
        for target in panel["targets"]:
            yield f"{panel['title']} ({target['refId']})", target["expr"]
    for annotation in dashboard["annotations"]["list"]:
        yield annotation["name"], annotation["target"]["expr"]


def label_values(variable):
    """Label and selector of a variable's `label_values(selector, label)`."""
    return re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()[::-1]


class DashboardsTest(unittest.TestCase):
    def setUp(self):
        self.dashboards = load_dashboards()

    def test_there_are_two_under_fixed_names_that_link_to_each_other(self):
        uids = {dashboard["uid"] for dashboard in self.dashboards.values()}
        self.assertEqual(uids, {"backpack-bridge-overview", "backpack-bridge-stream"})
        for dashboard in self.dashboards.values():
            linked = {link["url"].removeprefix("/d/") for link in dashboard["links"]}
            self.assertEqual(linked, uids - {dashboard["uid"]})

    def test_panels_have_what_a_person_needs(self):
        for dashboard in self.dashboards.values():
            ids = [panel["id"] for panel in dashboard["panels"]]
            self.assertEqual(len(ids), len(set(ids)))
            for panel in panels_with_queries(dashboard):
                with self.subTest(panel=panel["title"]):
                    self.assertTrue(panel["fieldConfig"]["defaults"]["unit"])
                    self.assertTrue(panel["description"] or panel["type"] == "table")
                    for part in [panel, *panel["targets"]]:
                        self.assertEqual(part["datasource"]["uid"], "${datasource}")

    def panel(self, dashboard, title):
        found = [panel for panel in self.dashboards[dashboard]["panels"] if panel["title"] == title]
        self.assertTrue(found, title)
        return found[0]

    def test_what_is_wrong_is_red(self):
        for title, limit in (("Since the last message", 40), ("Rejected or not requested", 1),
                             ("Reconnects, last hour", 5), ("Gaps, last hour", 10)):
            steps = self.panel("overview", title)["fieldConfig"]["defaults"]["thresholds"]["steps"]
            with self.subTest(panel=title):
                self.assertEqual(steps[0], {"color": "green", "value": None})
                self.assertEqual(steps[-1], {"color": "red", "value": limit})
        exchange = self.panel("overview", "Exchange")["fieldConfig"]["defaults"]
        self.assertEqual(exchange["thresholds"]["steps"][0]["color"], "red")  # 0: not connected

    def test_limits_are_those_of_the_alerts(self):
        alerts = RULES.read_text(encoding="utf-8")
        for title, limit in (("Lag behind the exchange, p50 and p99", 0.5),
                             ("Within the bridge, p50 p99 p99.9", 0.005),
                             ("File descriptors", 0.8)):
            defaults = self.panel("overview", title)["fieldConfig"]["defaults"]
            with self.subTest(panel=title):
                self.assertEqual(defaults["thresholds"]["steps"][-1], {"color": "red", "value": limit})
                self.assertEqual(defaults["custom"]["thresholdsStyle"]["mode"], "line")
                self.assertRegex(alerts, rf"> {re.escape(str(limit))}\n")

    def test_reconnects_are_marked_in_every_chart_with_their_reasons(self):
        for dashboard in self.dashboards.values():
            marks = {mark["name"]: mark for mark in dashboard["annotations"]["list"]}
            self.assertIn("backpack_bridge_upstream_disconnects_total",
                          marks["Reconnects"]["target"]["expr"])
            self.assertIn("{{reason}}", marks["Reconnects"]["titleFormat"])
            self.assertTrue(marks["Reconnects"]["enable"])

    def test_what_alerts_look_at_is_on_a_panel(self):
        series = r"\b(?:backpack_bridge_\w+|process_\w+|up(?={))"
        watched = set(re.findall(series, RULES.read_text(encoding="utf-8")))
        shown = {name for dashboard in self.dashboards.values() for _, expression in queries(dashboard)
                 for name in re.findall(series, expression)}
        self.assertGreater(len(watched), 10)
        self.assertLessEqual(watched, shown)

    def test_every_curve_names_its_bridge(self):
        for dashboard in self.dashboards.values():
            for panel in panels_with_queries(dashboard):
                for target in panel["targets"] if panel["type"] != "table" else ():
                    with self.subTest(panel=panel["title"], query=target["refId"]):
                        self.assertIn("{{instance}}", target["legendFormat"])

    def test_state_is_a_line_over_time(self):
        for dashboard, title, series in (("overview", "State over time", "upstream_connected"),
                                         ("stream", "Subscribed over time", "stream_subscribed")):
            panel = self.panel(dashboard, title)
            self.assertEqual(panel["type"], "state-timeline")
            self.assertIn(series, panel["targets"][0]["expr"])
            [mapping] = panel["fieldConfig"]["defaults"]["mappings"]
            self.assertEqual({value: text["color"] for value, text in mapping["options"].items()},
                             {"0": "red", "1": "green"})

    def test_alerts_that_fire_are_named_over_time(self):
        [target] = self.panel("overview", "Alerts over time")["targets"]
        expression = substitute(target["expr"])
        target = 'job="backpack-bridge",instance="bridge:9464"'

        def shows(at, alert, value):
            labels = f'{{alertname="{alert}",instance="bridge:9464"}}'
            return {"expr": expression, "eval_time": at, "exp_samples": [{"labels": labels, "value": value}]}

        test = {"rule_files": [str(RULES)], "evaluation_interval": "15s",
                "tests": [{"interval": "15s", "input_series": [{"series": f"up{{{target}}}", "values": "1x8 0x8"}],
                           "promql_expr_test": [shows("1m", "none", 0), shows("4m", "BackpackBridgeDown", 1)]}]}
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory, "test.yml")
            file.write_text(yaml.safe_dump(test))
            said = subprocess.run(["promtool", "test", "rules", str(file)], text=True, capture_output=True, check=False)
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)

    def test_a_streams_name_leads_to_the_stream(self):
        table = self.panel("overview", "Streams by age")
        links = [link for override in table["fieldConfig"]["overrides"]
                 if override["matcher"]["options"] == "stream"
                 for entry in override["properties"] if entry["id"] == "links"
                 for link in entry["value"]]
        self.assertEqual(len(links), 1)
        self.assertIn("/d/backpack-bridge-stream?", links[0]["url"])
        self.assertIn("var-stream=${__data.fields.stream}", links[0]["url"])
        variables = {variable["name"]: variable
                     for variable in self.dashboards["stream"]["templating"]["list"]}
        self.assertFalse(variables["stream"]["includeAll"], "thousands of streams in every chart")

    def test_streams_are_sorted_by_age(self):
        table = self.panel("overview", "Streams by age")
        renamed = next(step["options"]["renameByName"] for step in table["transformations"]
                       if step["id"] == "organize")
        order = table["options"]["sortBy"]
        self.assertEqual(order, [{"displayName": renamed["Value #A"], "desc": True}])

    def test_panels_do_not_overlap(self):
        for dashboard in self.dashboards.values():
            taken = set()
            for panel in dashboard["panels"]:
                place = panel["gridPos"]
                cells = {(place["x"] + x, place["y"] + y)
                         for x in range(place["w"]) for y in range(place["h"])}
                self.assertFalse(cells & taken, panel["title"])
                self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
                taken |= cells


class LedgerTest(unittest.TestCase):
    """What Prometheus has read in the end against what the exchange says that it has sent."""

    def sent(self):
        messages, size = collections.Counter(), collections.Counter()
        for stream, text in self.exchange.sent():
            label = stream if stream in STREAMS else "other"
            messages[label] += 1
            size[label] += len(text.encode())
        return {"messages": dict(messages), "bytes": dict(size)}

    def newest(self, metric):
        """Of each series, as the last scrape that succeeded has it: after one that took too long there is nothing."""
        return self.prometheus.query(f"last_over_time(backpack_bridge_{metric}[1h])")

    def counted(self, metric, label):
        return {sample["metric"][label]: float(sample["value"][1]) for sample in self.newest(metric)
                if float(sample["value"][1])}

    def received(self):
        return {what: self.counted(f"received_{what}_total", "stream") for what in ("messages", "bytes")}

    def break_connection(self, kind, **parameters):
        before = self.bridge.status()["connection"]
        self.exchange.fault(kind, **parameters)
        wait_until(lambda: self.bridge.status()["connection"] > before, "a reconnect")
        self.exchange.wait_for_subscriptions(STREAMS)

    def some_messages(self):
        at_least = self.bridge.status()["received"]["messages"] + 200
        self.exchange.rate(200)
        wait_until(lambda: self.bridge.status()["received"]["messages"] > at_least, "some messages")
        self.exchange.come_to_rest()
        self.wait_for_all()

    def wait_for_all(self):
        received, sent = {}, self.sent()

        def are_equal():
            nonlocal received
            received = self.received()
            return received == sent
        with contextlib.suppress(AssertionError):  # which could not tell what differs
            wait_until(are_equal, "all of it")
        self.assertEqual(received, sent)

    def test_samples_equal_the_exchanges_ledger_over_three_reconnects(self):
        with Exchange() as self.exchange, Bridge(self.exchange, STREAMS) as self.bridge, \
                PrometheusServer([self.bridge.http.removeprefix("http://")]) as self.prometheus:
            self.exchange.wait_for_subscriptions(STREAMS)
            # What is on its way when a connection breaks is lost, and nobody can say how much: each
            # breaks when all has been read.
            self.some_messages()
            for kind, parameters in (("close", {"code": 1012}), ("drop", {"reset": False}), ("drop", {})):
                self.break_connection(kind, **parameters)
                self.some_messages()
            self.assertEqual(set(self.sent()["messages"]), {*STREAMS, "other"})
            [reconnects] = self.newest("upstream_reconnects_total")
            self.assertEqual(float(reconnects["value"][1]), 3)
            self.assertEqual(self.counted("upstream_disconnects_total", "reason"),
                             {"closed": 1, "reset": 2})


class LiveTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            exchange = stack.enter_context(Exchange())
            cls.bridge = stack.enter_context(
                Bridge(exchange, STREAMS, BRIDGE_PUBLISH__BOOKS="depth.SOL_USDC"))
            instance = cls.bridge.http.removeprefix("http://")
            cls.prometheus = stack.enter_context(PrometheusServer([instance]))
            exchange.wait_for_subscriptions(STREAMS)
            exchange.rate(200)
            cls.prometheus.wait_for_scrapes([instance])
            # What annotations are for has to happen.
            exchange.fault("drop")
            wait_until(lambda: cls.bridge.status()["reconnects"] == 1, "the reconnect")
            cls.addClassCleanup(stack.pop_all().close)

    def test_every_query_of_every_dashboard_has_a_result(self):
        for name, dashboard in load_dashboards().items():
            for what, expression in queries(dashboard):
                if what == "Starts":  # it stays up
                    self.prometheus.query(substitute(expression))
                    continue
                with self.subTest(dashboard=name, query=what):
                    found = wait_until(lambda: self.prometheus.query(substitute(expression)), expression)
                    self.assertTrue(all(sample["metric"].get("instance") for sample in found),
                                    "of which bridge, where there are several?")

    def test_every_variable_has_values(self):
        for dashboard in load_dashboards().values():
            for variable in dashboard["templating"]["list"]:
                if variable["type"] != "query":
                    continue
                with self.subTest(dashboard=dashboard["uid"], variable=variable["name"]):
                    label, selector = label_values(variable)
                    found = wait_until(lambda: self.prometheus.query(
                        f"count by ({label}) ({substitute(selector)})"), selector)
                    self.assertTrue(all(sample["metric"].get(label) for sample in found))

    def test_every_alert_is_understood_and_refers_to_series_that_exist(self):
        rules = self.prometheus.rules()
        written = [rule for group in yaml.safe_load(RULES.read_text())["groups"]
                   for rule in group["rules"]]
        self.assertEqual(len(rules), len(written))
        wait_until(lambda: all(rule["health"] == "ok" for rule in self.prometheus.rules()),
                   "every rule's first evaluation")
        names = {name for rule in written
                 for name in re.findall(r"\b(?:backpack_bridge_|process_)\w+", rule["expr"])}
        self.assertGreater(len(names), 10)
        for name in names:
            with self.subTest(series=name):
                wait_until(lambda: self.prometheus.query(name), name)

    def test_readme_lists_every_metric_with_its_labels_and_no_other(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        section = readme.split("### Metrics")[1].split("###")[0]
        listed = {}
        for names, labels in re.findall(r"^\| (`[^|]+) \|([^|]*)\|", section, re.MULTILINE):
            for name in re.findall(r"`(\w+)`", names):
                listed["backpack_bridge_" + name] = set(re.findall(r"`(\w+)`", labels))
        for name in re.findall(r"`(process_\w+)`", section):
            listed[name] = set()

        exposed = {}
        text = self.bridge.get("/metrics")[1]
        histograms = set(re.findall(r"^# TYPE (\w+) histogram$", text, re.MULTILINE))
        for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? ", text, re.MULTILINE):
            family = re.sub(r"_(bucket|sum|count)$", "", name)
            name = family if family in histograms else name
            exposed.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
        for name in histograms:
            exposed[name].discard("le")
        self.assertEqual(listed, exposed)

    def test_readme_gives_every_metrics_type_and_says_of_each_what_a_bad_value_means(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        section = readme.split("### Metrics")[1].split("###")[0]
        rows = re.findall(r"^\| (`[^|]+) \|[^|]*\| (\w+) \| [^|]{5,} \| [^|]{5,} \|$", section, re.MULTILINE)
        listed = {"backpack_bridge_" + name: kind for names, kind in rows
                  for name in re.findall(r"`(\w+)`", names)}
        exposed = dict(re.findall(r"^# TYPE (backpack_bridge_\w+) (\w+)$", self.bridge.get("/metrics")[1],
                                  re.MULTILINE))
        self.assertEqual(listed, exposed)

    def test_readmes_scrape_configuration_is_one(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        [text] = re.findall(r"```yaml\n(scrape_configs:.*?)```", readme, re.DOTALL)
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write(text)
            file.flush()
            result = subprocess.run(["promtool", "check", "config", file.name], text=True,
                                    capture_output=True, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_promtool_has_nothing_to_say_about_the_metrics(self):
        result = subprocess.run(["promtool", "check", "metrics"], text=True, capture_output=True,
                                input=self.bridge.get("/metrics")[1], check=False)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))


if __name__ == "__main__":
    unittest.main()
