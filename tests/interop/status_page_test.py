"""The status page, in a real browser.

With BPX_SCREENSHOT=FILE, one more picture is taken: what the README shows.
"""

import contextlib
import os
import time
import unittest

import zmq

from browser import Browser
from harness import IS_HEAVY, Bridge, Consumer, Exchange, wait_until

PUBLIC = ["bookTicker.BTC_USDC", "bookTicker.SOL_USDC", "depth.200ms.BTC_USDC", "depth.SOL_USDC",
          "kline.1m.SOL_USDC", "liquidation", "ticker.SOL_USDC", "trade.BTC_USDC", "trade.SOL_USDC"]
STREAMS = [*PUBLIC, "account.orderUpdate"]
MARKETS = ("--symbols", "SOL_USDC,BTC_USDC")
RED_WITHIN = 2.0  # seconds, as the page promises

LEVEL = "return document.getElementById('banner').dataset.level"
WORD = "return document.getElementById('word').textContent"
NAMES = "return [...document.querySelectorAll('tbody tr td.name .text')].map(n => n.textContent)"
CELLS = "return [...document.querySelectorAll('tbody td.' + arguments[0])].map(n => n.textContent)"

# Notes when the banner changes: how late a question is asked must not count.
WATCH = """
  window.changes = [];
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

    def test_turns_red_when_the_exchange_falls_silent(self):
        # How long it is quiet by nature has to be learnt first.
        wait_until(lambda: self.bridge.status()["received"]["messages"] > 400, "some messages")
        self.turns_red_and_recovers(("silent", {}))

    def test_turns_red_when_the_connection_drops(self):
        self.turns_red_and_recovers(("refuse", {}), ("drop", {}))

    def test_turns_red_when_the_bridge_ends(self):
        self.bridge.stop()
        self.wait_for_level("red")
        self.assertEqual(self.browser.run(WORD), "bridge unreachable")

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


@unittest.skipUnless("BPX_SCREENSHOT" in os.environ, "takes a picture only where one is wanted")
class Screenshot(unittest.TestCase):
    def test_is_taken(self):
        with Exchange(*MARKETS) as exchange, Bridge(exchange, STREAMS) as bridge, \
                Browser() as browser:
            exchange.wait_for_subscriptions(STREAMS)
            browser.resize(1000, 720)
            browser.prefer("light")
            browser.open(bridge.http + "/")
            for second in range(60):  # a curve to look at
                exchange.rate(150 + 100 * (second % 7))
                time.sleep(1)
            browser.screenshot(os.environ["BPX_SCREENSHOT"])


if __name__ == "__main__":
    unittest.main()
