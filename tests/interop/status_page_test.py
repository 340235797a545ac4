"""The status page, in a real browser.

With BPX_SCREENSHOT=DIRECTORY, the pictures that README shows are taken too.
"""

import contextlib
import copy
import os
import pathlib
import re
import time
import typing
import unittest
import urllib.request

import zmq

from browser import Browser
from harness import IS_HEAVY, ROOT, Bridge, Consumer, Exchange, wait_until

PUBLIC = ["bookTicker.BTC_USDC", "bookTicker.SOL_USDC", "depth.200ms.BTC_USDC", "depth.SOL_USDC",
          "kline.1m.SOL_USDC", "liquidation", "ticker.SOL_USDC", "trade.BTC_USDC", "trade.SOL_USDC"]
STREAMS = [*PUBLIC, "account.orderUpdate"]
MARKETS = ("--symbols", "SOL_USDC,BTC_USDC")
RED_WITHIN = 2.0  # seconds, as the page promises

LEVEL = "return document.getElementById('banner').dataset.level"
WORD = "return document.getElementById('word').textContent"
HEADLINE = "return document.getElementById('headline').textContent"
NAMES = "return [...document.querySelectorAll('tbody tr td.name .text')].map(n => n.textContent)"
CELLS = "return [...document.querySelectorAll('tbody td.' + arguments[0])].map(n => n.textContent)"

# Notes when the banner changes: how late a question is asked must not count.
WATCH = """
  window.changes = [];
  window.violations = [];
  document.addEventListener('securitypolicyviolation', event => violations.push(event.violatedDirective));
  new MutationObserver(() => {
    const level = document.getElementById('banner').dataset.level;
    if (window.changes.at(-1)?.level !== level) window.changes.push({level, at: Date.now()});
  }).observe(document.getElementById('banner'), {attributes: true});
"""

CONTRAST = """
  const channels = color => color.match(/[0-9.]+/g).slice(0, 3).map(Number);
  const luminance = color => {
    const [r, g, b] = channels(color).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = node => {
    for (; node; node = node.parentElement) {
      const color = getComputedStyle(node).backgroundColor;
      if (color !== 'rgba(0, 0, 0, 0)') return luminance(color);
    }
    return 1;
  };
  return Math.min(...['#headline', '#since', 'td.name', 'td.age', 'dt', 'dd', 'th button', '.note']
    .map(selector => document.querySelector(selector)).map(node => {
      const [a, b] = [luminance(getComputedStyle(node).color), behind(node)];
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    }));
"""


class StatusPageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = cls.enterClassContext(Browser())

    def setUp(self):
        self.exchange = self.enterContext(Exchange(*MARKETS))
        self.bridge = self.enterContext(Bridge(self.exchange, STREAMS))
        self.exchange.wait_for_subscriptions(STREAMS)
        self.exchange.rate(200)
        self.browser.open("about:blank")  # the page of the test before asks a bridge that has gone
        self.browser.console_errors()
        self.browser.requests()
        self.browser.resize(1200, 900)
        self.browser.prefer("light")
        self.browser.open(self.bridge.http + "/")
        self.wait_for_level("green")

    def wait_for_level(self, level):
        wait_until(lambda: self.browser.run(LEVEL) == level, f"{level} on the page")

    def test_loads_from_the_bridge_alone_and_shows_every_stream(self):
        wait_until(lambda: self.browser.run(WORD) == "live", "the word for it")
        wait_until(lambda: sorted(self.browser.run(NAMES)) == sorted(STREAMS), "the streams")
        wait_until(lambda: "–" not in self.browser.run(CELLS, "rate"), "the rates")
        self.assertEqual(self.browser.console_errors(), [])
        elsewhere = [url for url in self.browser.requests()
                     if not url.startswith((self.bridge.http, "data:"))]
        self.assertEqual(elsewhere, [])

    def test_sorts_by_age_rate_and_gaps_and_back(self):
        self.exchange.fault("skip_ids", stream="depth.SOL_USDC")
        wait_until(lambda: "1" in self.browser.run(CELLS, "gaps"), "the gap")

        def sorted_by(key):
            names = self.browser.run(NAMES)
            self.browser.click(f"th.{key} button")
            wait_until(lambda: self.browser.run(
                f"return document.querySelector('th.{key}').getAttribute('aria-sort')"), "an order")
            return names

        wait_until(lambda: "–" not in self.browser.run(CELLS, "rate"), "the rates")
        sorted_by("gaps")
        self.assertEqual(self.browser.run(NAMES)[0], "depth.SOL_USDC")
        self.browser.click("th.gaps button")
        self.assertEqual(self.browser.run(NAMES)[-1], "depth.SOL_USDC")

        sorted_by("rate")
        rates = [float(text.replace(",", "")) for text in self.browser.run(CELLS, "rate")]
        self.assertEqual(rates, sorted(rates, reverse=True))
        self.assertGreater(rates[0], rates[-1])

        # By one look each: at any time one more may be heard for the first time.
        sorted_by("age")
        never = [age == "never" for age in self.browser.run(CELLS, "age")]
        self.assertEqual(never, sorted(never, reverse=True))
        self.browser.click("th.age button")
        never = [age == "never" for age in self.browser.run(CELLS, "age")]
        self.assertEqual(never, sorted(never))

    def test_filters_by_name(self):
        self.browser.type("#filter", "BTC")
        wait_until(lambda: sorted(self.browser.run(NAMES)) ==
                   sorted(name for name in STREAMS if "BTC" in name), "the streams of BTC alone")
        self.browser.clear("#filter")
        wait_until(lambda: len(self.browser.run(NAMES)) == len(STREAMS), "all streams")

    def turns_red_and_recovers(self, *faults):
        self.browser.run(WATCH)
        before = time.time()
        for kind, parameters in faults:
            self.exchange.fault(kind, **parameters)
        wait_until(lambda: self.browser.run("return window.changes.some(c => c.level == 'red')"),
                   "red")
        change = next(change for change in self.browser.run("return window.changes")
                      if change["level"] == "red")
        if IS_HEAVY:
            self.assertLess(change["at"] / 1000 - before, RED_WITHIN, self.browser.run(WORD))
        self.exchange.fault("heal")
        self.wait_for_level("green")
        self.assertEqual(self.browser.run("return window.violations"), [])
        self.assertEqual(self.browser.console_errors(), [])

    def test_turns_red_when_the_exchange_falls_silent(self):
        # How long it is quiet by nature has to be learnt first.
        wait_until(lambda: self.bridge.status()["received"]["messages"] > 400, "some messages")
        self.turns_red_and_recovers(("silent", {}))

    def test_turns_red_when_the_connection_drops(self):
        self.turns_red_and_recovers(("refuse", {}), ("drop", {}))

    def test_says_plainly_that_it_has_lost_the_bridge(self):
        self.bridge.stop()
        self.wait_for_level("red")
        self.assertEqual(self.browser.run(WORD), "bridge unreachable")
        self.assertIn("what stands below is old", self.browser.run(HEADLINE))
        self.assertEqual(self.browser.run(
            "return getComputedStyle(document.getElementById('numbers')).opacity"), "0.5")

    def test_runs_under_a_policy_that_allows_its_own_script_and_style_alone(self):
        with urllib.request.urlopen(self.bridge.http + "/") as answer:
            policy = answer.headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)
        self.browser.run(WATCH)
        self.browser.run("""
          const script = document.createElement('script');
          script.textContent = 'window.isInjected = true';
          document.body.append(script);
          document.body.setAttribute('style', 'color: red');
        """)
        wait_until(lambda: set(self.browser.run("return window.violations")) ==
                   {"script-src-elem", "style-src-attr"}, "two violations")
        self.assertIsNone(self.browser.run("return window.isInjected"))
        self.browser.console_errors()  # those on purpose

    def test_shows_that_no_stream_comes_while_the_exchange_is_away(self):
        wait_until(lambda: set(self.browser.run(CELLS, "state")) >= {"● live"}, "live streams")
        self.exchange.fault("refuse")
        self.exchange.fault("drop")
        wait_until(lambda: set(self.browser.run(CELLS, "state")) == {"– cut off"}, "the outage")
        self.exchange.fault("heal")
        wait_until(lambda: "● live" in self.browser.run(CELLS, "state"), "live streams")

    def test_tells_how_many_listen_to_each_stream(self):
        with Consumer(self.bridge.public):  # to everything, which is no single stream
            wait_until(lambda: set(self.browser.run(CELLS, "subscribers")) == {"0"}, "nobody")
        listener = self.enterContext(zmq.Context.instance().socket(zmq.SUB))
        listener.subscribe("trade.SOL_USDC")
        listener.connect(self.bridge.public)
        wait_until(lambda: dict(zip(self.browser.run(NAMES), self.browser.run(CELLS, "subscribers")))
                   == {**dict.fromkeys(STREAMS, "0"), "trade.SOL_USDC": "1"}, "the listener")

    def test_has_the_streams_in_sight_and_their_names_in_one_line_on_a_phone(self):
        wait_until(lambda: sorted(self.browser.run(NAMES)) == sorted(STREAMS), "the streams")
        for width in (1000, 720, 360):
            self.browser.resize(width, 640)
            lines = self.browser.run("""
              return [...document.querySelectorAll('td.name .text, .tag')]
                .map(node => [node.textContent, node.getClientRects().length]);
            """)
            self.assertEqual([text for text, number in lines if number > 1], [], width)
        self.assertLess(self.browser.run(
            "return document.querySelector('tbody').getBoundingClientRect().top"), 480)
        for key in ("name", "state", "age", "rate", "gaps"):
            self.browser.click(f"th.{key} button")

    def test_can_be_read_on_a_phone_and_in_the_dark(self):
        wide = "return document.documentElement.scrollWidth - innerWidth"
        for width in (360, 800, 1200):
            self.browser.resize(width, 740)
            self.assertLessEqual(self.browser.run(wide), 0, f"scrolls sideways at {width}")
        for scheme in ("light", "dark"):
            self.browser.prefer(scheme)
            self.assertGreaterEqual(self.browser.run(CONTRAST), 4.5, scheme)
        background = self.browser.run("return getComputedStyle(document.body).backgroundColor")
        self.assertLess(max(map(int, background[4:-1].split(","))), 64)


class Verdict(typing.NamedTuple):
    """What changes in the status of a bridge that is well, and the headline that follows."""
    word: str
    advice: str  # a part of it
    level: str
    changes: dict
    first_stream: dict = {}


NOW = 1_800_000_000_000  # of the made-up bridge, which has received ten messages a second for 100 s
LOST = {"last_disconnect": {"reason": "reset", "time_ms": NOW - 60_000}}
DOWN = {"state": "down", "ready": False, **LOST}
UNREADY = {"ready": False, "reasons": ["…"]}

VERDICTS = [
    Verdict("live", "messages flow, nothing to do", "green", {}),
    Verdict("live", "nobody listens", "green", {"subscribers": {"public": 0, "private": 0}}),
    Verdict("live", "wait for the first message", "green",
            {"last_message_ms": 0, "received": {"messages": 0, "bytes": 0, "malformed": 0}}),
    Verdict("connecting", "so wait", "amber", {"state": "connecting", "ready": False}),
    Verdict("down", "consumers get nothing, and the bridge tries to connect again", "red", DOWN),
    Verdict("down", "has DNS", "red", {**DOWN, "last_attempt": "dns"}),
    Verdict("down", "network and firewall", "red", {**DOWN, "last_attempt": "tcp"}),
    Verdict("down", "network and firewall", "red", {**DOWN, "last_attempt": "timeout"}),
    Verdict("down", "upstream.proxy", "red", {**DOWN, "last_attempt": "proxy"}),
    Verdict("down", "this machine’s clock", "red", {**DOWN, "last_attempt": "tls"}),
    Verdict("down", "turns the bridge away", "red", {**DOWN, "last_attempt": "handshake"}),
    Verdict("silent", "the exchange sends nothing", "red", {"last_message_ms": NOW - 5_000}),
    Verdict("interrupted", "consumers rebuild their books", "red",
            {"last_disconnect": {"reason": "reset", "time_ms": NOW - 1_000}}),
    Verdict("not ready", "one stream is rejected, so compare its name", "amber", UNREADY,
            {"state": "rejected", "code": 4006}),
    Verdict("not ready", "refused with the log-in", "amber", UNREADY,
            {"state": "rejected", "code": 4003}),
    Verdict("not ready", "still being subscribed to", "amber", UNREADY),
    Verdict("quiet", "whether their markets trade", "amber",
            {"last_message_ms": NOW - 90_000, "received": {"messages": 2, "bytes": 2, "malformed": 0}}),
    Verdict("stuck", "restart it", "red", {"alive": False}),
]


class HeadlineTest(unittest.TestCase):
    ANSWERS = """
      window.fetch = async () => ({ok: true, json: async () => structuredClone(window.answer)});
      window.answer = arguments[0];
    """

    def made_up(self, number, verdict):
        """A status with that verdict: each of a bridge of its own, of which the page knows nothing."""
        status = copy.deepcopy(self.well)
        status.update(verdict.changes)
        status["streams"][0].update(verdict.first_stream)
        status["epoch"] = (NOW - 100_000) * 1000 + number
        return status

    def test_says_the_state_and_what_to_do_in_one_sentence(self):
        with contextlib.ExitStack() as stack:
            exchange = stack.enter_context(Exchange())
            bridge = stack.enter_context(Bridge(exchange, ["trade.SOL_USDC"]))
            browser = stack.enter_context(Browser())
            exchange.wait_for_subscriptions(["trade.SOL_USDC"])
            wait_until(lambda: bridge.status()["ready"], "a bridge that is ready")
            self.well = {**bridge.status(), "time_ms": NOW, "last_message_ms": NOW - 100,
                         "received": {"messages": 1000, "bytes": 1000, "malformed": 0},
                         "subscribers": {"public": 1, "private": 0}}
            browser.open(bridge.http + "/")
            for number, verdict in enumerate(VERDICTS):
                with self.subTest(word=verdict.word, advice=verdict.advice):
                    browser.run(self.ANSWERS, self.made_up(number, verdict))
                    wait_until(lambda: browser.run(WORD) == verdict.word
                               and verdict.advice in browser.run(HEADLINE), "the headline")
                    self.assertEqual(browser.run(LEVEL), verdict.level)
                    self.assertRegex(browser.run(HEADLINE), rf"^\S{verdict.word}: [^.]+(\.\w+[^.]*)*\.$")
            self.assertEqual(browser.console_errors(), [])

    def test_has_a_word_of_advice_for_every_way_in_which_an_attempt_can_fail(self):
        text = (ROOT / "bridge/observe/vocabulary.cpp").read_text(encoding="utf-8")
        results = set(re.findall(r"case ConnectResult::(\w+):", text)) - {"ok"}
        shown = {verdict.changes.get("last_attempt") for verdict in VERDICTS}
        self.assertGreater(len(results), 4)
        self.assertLessEqual(results, shown)


class ManyStreamsTest(unittest.TestCase):
    def test_two_thousand_are_shown_sorted_and_filtered(self):
        symbols = [f"S{number}_USDC" for number in range(1000)]
        streams = [f"{kind}.{symbol}" for kind in ("trade", "depth") for symbol in symbols]
        with contextlib.ExitStack() as stack:
            exchange = stack.enter_context(Exchange("--symbols", ",".join(symbols)))
            bridge = stack.enter_context(Bridge(exchange, streams))
            browser = stack.enter_context(Browser())
            wait_until(lambda: bridge.status()["ready"], "a bridge that is ready")
            browser.open(bridge.http + "/")
            wait_until(lambda: len(browser.run(NAMES)) == len(streams), "all rows")
            exchange.publish("depth.S7_USDC", '{"U":1,"u":2}')
            exchange.publish("depth.S7_USDC", '{"U":9,"u":9}')
            wait_until(lambda: "1" in browser.run(CELLS, "gaps"), "the gap")
            browser.click("th.gaps button")
            self.assertEqual(browser.run(NAMES)[0], "depth.S7_USDC")
            browser.type("#filter", "s99")
            wait_until(lambda: len(browser.run(NAMES)) == 22, "S99 and S990 to S999 of two kinds")
            self.assertEqual(browser.run("return document.getElementById('shown').textContent"),
                             "22 of 2,000")
            self.assertEqual(browser.console_errors(), [])


class OnDemandTest(unittest.TestCase):
    # What /status says of streams that consumers asked for.
    ADDS = """
      const ask = window.fetch;
      window.fetch = async (...request) => {
        const status = await (await ask(...request)).json();
        status.on_demand = [{name: 'trade.BTC_USDC', state: 'live', subscribers: 3}];
        return {ok: true, json: async () => status};
      };
    """

    def test_streams_are_marked_and_claim_no_rates(self):
        with contextlib.ExitStack() as stack:
            exchange = stack.enter_context(Exchange(*MARKETS))
            bridge = stack.enter_context(Bridge(exchange, ["trade.SOL_USDC"]))
            browser = stack.enter_context(Browser())
            exchange.rate(100)
            browser.open(bridge.http + "/")
            browser.run(self.ADDS)
            wait_until(lambda: browser.run(NAMES) == ["trade.BTC_USDC", "trade.SOL_USDC"], "both")
            row = "return [...document.querySelectorAll('tbody tr')[0].cells].map(n => n.textContent)"
            self.assertEqual(browser.run(row), ["trade.BTC_USDCon demand", "● live", "–", "–", "–",
                                                "–", "–", "3"])
            self.assertEqual(browser.console_errors(), [])


class RejectedStreamTest(unittest.TestCase):
    def test_is_shown_with_the_exchanges_reason(self):
        with contextlib.ExitStack() as stack:
            exchange = stack.enter_context(Exchange(*MARKETS))
            exchange.fault("reject_signatures")
            bridge = stack.enter_context(Bridge(exchange, STREAMS))
            browser = stack.enter_context(Browser())
            bridge.wait_for_line("rejected stream=account.orderUpdate")
            browser.open(bridge.http + "/")
            wait_until(lambda: "4003 Invalid signature" in browser.run(
                "return [...document.querySelectorAll('.why')].map(n => n.textContent)"), "why")
            self.assertIn("account.orderUpdate",
                          browser.run("return document.getElementById('reasons').textContent"))


@unittest.skipUnless("BPX_SCREENSHOT" in os.environ, "takes pictures only where they are wanted")
class Screenshots(unittest.TestCase):
    DESKTOP, PHONE = (1000, 720), (390, 780)

    def test_are_taken(self):
        directory = pathlib.Path(os.environ["BPX_SCREENSHOT"])
        with Exchange(*MARKETS) as exchange, Bridge(exchange, STREAMS) as bridge, \
                Consumer(bridge.public), Consumer(bridge.private), Browser() as browser:
            exchange.wait_for_subscriptions(STREAMS)
            browser.resize(*self.DESKTOP)
            browser.prefer("light")
            browser.command("Emulation.setScrollbarsHidden", hidden=True)
            browser.open(bridge.http + "/")
            for second in range(60):  # a curve to look at
                exchange.rate(150 + 100 * (second % 7))
                time.sleep(1)

            def take(name, size, scheme):
                browser.resize(*size)
                browser.prefer(scheme)
                time.sleep(1.5)  # the page has looked again
                browser.screenshot(directory / f"status-page-{name}.png")

            take("light", self.DESKTOP, "light")
            take("dark", self.DESKTOP, "dark")
            take("phone", self.PHONE, "light")
            exchange.fault("refuse")
            exchange.fault("drop")
            wait_until(lambda: browser.run(LEVEL) == "red", "red")
            time.sleep(5)
            take("red", self.DESKTOP, "light")


if __name__ == "__main__":
    unittest.main()
