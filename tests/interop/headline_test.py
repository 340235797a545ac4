"""What the status page says of what /status says: made-up statuses, in a real browser, in no time."""

import contextlib
import copy
import re
import typing
import unittest

from browser import Browser
from harness import ROOT, Bridge, Exchange, wait_until
from status_page import WATCH, Page, with_durations

SECOND, MINUTE = 1_000, 60_000
NOW = 1_800_000_000_000  # of the made-up bridge, which has received ten messages a second for 100 s
START = NOW - 100 * SECOND
EVENT = "last_{}_ms"

BEHIND = {"endpoint": "public", "address": "10.0.0.1:5", "since_ms": START, "subscriptions": 1,
          "unsent_bytes": 1, "behind": True}
KEEPS_UP = {**BEHIND, "behind": False}


class Case(typing.NamedTuple):
    """What is other than well in a bridge's status, and the headline that follows."""
    word: str
    advice: str  # a part of it
    changes: dict = {}
    stream: dict = {}        # what is other than well in its first stream
    before: tuple = ()       # ages of statuses that were the same but for the time
    level: str = "amber"


def public(value):
    return {"public": value, "private": 0}


LOST = {"last_disconnect": {"reason": "reset", "time_ms": NOW - MINUTE}, "connected_ms": NOW - MINUTE}
DOWN = {"state": "down", "ready": False, **LOST}
UNREADY = {"ready": False, "reasons": ["…"]}
LATE = {"sum_seconds": 0.8}  # for each of the messages counted


def down(result, advice):
    return Case("down", advice, {**DOWN, "last_attempt": result}, level="red")


def live(changes=None, stream=None, before=()):
    return Case("live", "messages flow, nothing to do", changes or {}, stream or {}, before, "green")


STATES = [
    live(),
    Case("live", "nobody listens", {"subscribers": public(0)}, level="green"),
    Case("live", "wait for the first message",
         {"last_message_ms": 0, "received": {"messages": 0, "bytes": 0, "malformed": 0}}, level="green"),
    Case("connecting", "so wait", {"state": "connecting", "ready": False}),
    Case("down", "consumers get nothing, and the bridge tries to connect again", DOWN, level="red"),
    down("dns", "has network and DNS, then to the spelling of upstream.url"),
    down("tcp", "network and firewall"),
    down("timeout", "network and firewall"),
    down("proxy", "upstream.proxy"),
    down("tls", "this machine’s clock, its ca-certificates, then upstream.ca_file"),
    down("handshake", "turns the bridge away or something else answers in its place"),
    Case("silent", "the exchange sends nothing", {"last_message_ms": NOW - 5 * SECOND}, level="red"),
    Case("interrupted", "consumers rebuild their books",
         {"last_disconnect": {"reason": "reset", "time_ms": NOW - SECOND}}, level="red"),
    Case("not ready", "one stream is rejected, so compare its name", UNREADY,
         {"state": "rejected", "code": 4006}),
    Case("not ready", "refused with the log-in", UNREADY, {"state": "rejected", "code": 4003}),
    Case("not ready", "still being subscribed to", UNREADY, {"waiting": True}),
    Case("not ready", "not even answers to pings",
         {"ready": False, "reasons": ["nothing received for 90 s"]}),
    Case("quiet", "whether their markets trade",
         {"last_message_ms": NOW - 90 * SECOND, "received": {"messages": 2, "bytes": 2, "malformed": 0}}),
    Case("stuck", "restart it", {"alive": False}, level="red"),
]

# At the consumers.
CONSUMERS = [
    Case("consumer evicted", "a consumer of the public endpoint did not read and was disconnected, so find it",
         {"evicted": public(1), EVENT.format("evicted"): public(NOW - MINUTE)}),
    live({"evicted": public(1), EVENT.format("evicted"): public(NOW - 10 * MINUTE)}),
    Case("consumer too slow", "a consumer of the public endpoint lost messages, so find it",
         {"slow_episodes": public(1), EVENT.format("slow"): public(NOW - MINUTE)}),
    live({"slow_episodes": public(1), EVENT.format("slow"): public(NOW - 10 * MINUTE)}),
    Case("consumer behind", "the consumer at 10.0.0.1:5 cannot keep up, so see why it does not read",
         {"consumers": [BEHIND]}, before=(6 * SECOND,)),
    Case("consumer behind", "the consumers at 10.0.0.1:5, 10.0.0.2:6 and 1 more cannot keep up",
         {"consumers": [BEHIND, {**BEHIND, "address": "10.0.0.2:6"}, {**BEHIND, "address": "10.0.0.3:7"}]},
         before=(6 * SECOND,)),
    live({"consumers": [BEHIND]}, before=(SECOND,)),  # it catches its breath
    live({"consumers": [KEEPS_UP]}, before=(6 * SECOND,)),
    Case("consumers behind", "more than half of publish.queue_bytes waits",
         {"queued_bytes": 600, "queue_limit_bytes": 1000}),
    live({"queued_bytes": 400, "queue_limit_bytes": 1000}),
]

# In the bridge and on its machine.
BRIDGE = [
    Case("clock off", "is 3,000 ms behind the exchange’s, so make it follow NTP", {"clock_offset_ms": 3000}),
    Case("clock off", "ahead of the exchange’s", {"clock_offset_ms": -3000}),
    live({"clock_offset_ms": 2000}),
    Case("clock unknown", "upstream.rest_url", {"clock_offset_ms": None}),
    live({"clock_offset_ms": None, "epoch": (NOW - 5 * MINUTE) * 1000}),  # it has not run for long
    Case("book out of sync", "no book of depth.SOL_USDC", {},
         {"name": "depth.SOL_USDC", "book": "syncing", "last_message_ms": NOW - SECOND},
         before=(40 * SECOND, 20 * SECOND)),
    live({}, {"name": "depth.SOL_USDC", "book": "syncing"}, before=(10 * SECOND,)),
    live({}, {"name": "depth.SOL_USDC", "book": "syncing", "last_message_ms": NOW - MINUTE + 25 * SECOND},
         before=(35 * SECOND, 20 * SECOND)),  # a market in which nothing happens
    Case("bridge slow", "what else takes this machine’s CPU", {"forward": {"sum_seconds": 0.01}},
         before=tuple(range(15 * SECOND, 0, -SECOND))),
    live({"forward": {"sum_seconds": 0.001}}, before=tuple(range(15 * SECOND, 0, -SECOND))),
]

# At the sink to JetStream.
SINK = {"ready": True, "reasons": [], "connected": True, "published": 900, "acknowledged": 890, "pending": 10,
        "lost": 0, "reconnects": 0}
AWAY = {**SINK, "ready": False, "connected": False, "reasons": ["not connected: Connection refused"]}
LOSING = {"ready": False, "lost": 7, "reasons": ["losing messages: 7 so far"]}
JETSTREAM = [
    live({"jetstream": SINK}),
    live({"jetstream": SINK, "subscribers": public(0)}),  # it listens
    Case("JetStream away", "mend the server or the way to it before", {"jetstream": AWAY}, before=(11 * SECOND,)),
    live({"jetstream": AWAY}, before=(5 * SECOND,)),  # its server starts again
    Case("JetStream loses", "see whether its disks or the network are too slow", {"jetstream": {**SINK, **LOSING}}),
    Case("JetStream loses", "then raise publish.jetstream.max_pending",
         {"jetstream": {**AWAY, **LOSING, "reasons": [*AWAY["reasons"], *LOSING["reasons"]]}},
         before=(11 * SECOND,)),
    live({"jetstream": {**SINK, "lost": 7}}),  # long ago
]

# On the way, and at the exchange.
EXCHANGE = [
    Case("late", "though pings are quick, so see the exchange’s status page",
         {"lag": LATE, "ping_rtt_ms": 20}, before=tuple(range(15 * SECOND, 0, -SECOND))),
    Case("late", "pings are slow too, so see to the network on the way",
         {"lag": LATE, "ping_rtt_ms": 400}, before=tuple(range(15 * SECOND, 0, -SECOND))),
    live({"lag": LATE, "clock_offset_ms": -700}, before=tuple(range(15 * SECOND, 0, -SECOND))),
    live({"lag": LATE}, before=tuple(range(5 * SECOND, 0, -SECOND))),  # not yet for long
    Case("gap", "the exchange skipped messages of trade.SOL_USDC, so see that consumers rebuild", {},
         {"gaps": 1, "last_gap_ms": NOW - MINUTE}),
    live({}, {"gaps": 1, "last_gap_ms": NOW - 10 * MINUTE}),
    live({**LOST, "connection": 2}, {"gaps": 1, "last_gap_ms": NOW - 30 * SECOND}),  # the reconnect's
    Case("gap", "the exchange skipped", {**LOST, "connection": 2, "connected_ms": NOW - 20 * MINUTE},
         {"gaps": 1, "last_gap_ms": NOW - 30 * SECOND}),
    live({}, {"name": "ticker.SOL_USDC", "waiting": True, "last_message_ms": NOW - MINUTE}),  # not asked for yet
    Case("stream stale", "nothing comes on ticker.SOL_USDC while others flow, so see", {},
         {"name": "ticker.SOL_USDC", "last_message_ms": NOW - MINUTE}),
    Case("stream stale", "nothing comes on bookTicker.SOL_USDC while others flow", {},
         {"name": "bookTicker.SOL_USDC", "last_message_ms": 0}),  # it never has
    Case("stream stale", "nothing comes on openInterest.SOL_USDC_PERP", {"connected_ms": NOW - 5 * MINUTE},
         {"name": "openInterest.SOL_USDC_PERP", "last_message_ms": 0}),
    Case("stream stale", "nothing comes on trade.SOL_USDC", {"connected_ms": NOW - 100 * MINUTE},
         {"last_message_ms": NOW - 61 * MINUTE}),
    live({"connected_ms": NOW - 100 * MINUTE}, {"last_message_ms": NOW - 50 * MINUTE}),
    live({}, {"name": "ticker.SOL_USDC", "last_message_ms": NOW - 20 * SECOND}),
    live({"connected_ms": NOW - 20 * SECOND},
         {"name": "ticker.SOL_USDC", "last_message_ms": NOW - MINUTE}),  # it has just been asked for
    live({"connected_ms": 1}, {"name": "liquidation", "last_message_ms": 0}),
    live({"connected_ms": 1}, {"name": "account.orderUpdate", "last_message_ms": 0}),
    live({"connected_ms": 1}, {"name": "ticker.AAPL.US_USDC", "last_message_ms": NOW - 100 * MINUTE}),
]


# Has the page's own sense of rhythm watch a made-up market, as often as it looks, in no time: `perSecond` bursts
# of so many messages come independently of each other; a ticker each second, if wanted. Each time that it falls
# silent, `ends` in all, it is so until it has been found to be. Returns how often it was red, and how long
# that took from the last message on.
MARKET = """
  const {hours, perSecond, burst = 1, ticker = false, ends = 0} = arguments[0];
  let seed = 7;
  const random = () => {  // mulberry32
    let t = seed += 0x6D2B79F5;
    t = Math.imul(t ^ t >>> 15, t | 1);
    t ^= t + Math.imul(t ^ t >>> 7, t | 61);
    return ((t ^ t >>> 14) >>> 0) / 4294967296;
  };
  const gap = () => -Math.log(1 - random()) * 1000 / perSecond;
  const end = hours * 3600e3;
  const took = [];
  let [time, messages, last, next, tick, red, ended] = [0, 0, 0, gap(), 1000, 0, 0];
  const come = () => {
    while (Math.min(next, ticker ? tick : Infinity) <= time) {
      if (ticker && tick <= next) {
        last = tick;
        tick += 1000;
        ++messages;
      } else {
        last = next;
        next += gap();
        messages += burst;
      }
    }
  };
  forgetEverything();
  verdict = {level: 'green', isSilent: false};
  for (let isOver = false; time < end; time += 5 + untilNextPoll()) {
    if (!isOver) come();
    const status = {connection: 1, epoch: 0, time_ms: Math.floor(time), last_message_ms: Math.floor(last), state: 'live',
                    idle_timeout_ms: 90000, received: {messages}};
    learnRhythm(status, latest);
    latest = status;
    const limit = silenceLimit(status);
    const isSilent = limit !== null && silence(status) >= limit;
    if (isSilent && !verdict.isSilent) {
      ++red;
      took.push(time - last);
      if (isOver) {
        isOver = false;
        next = time + gap();
        tick = time + 1000;
      }
    } else if (ended < ends * (time - 60e3) / end && !isSilent) {
      ++ended;
      isOver = true;
    }
    verdict = {level: isSilent ? 'red' : 'green', isSilent};
  }
  forgetEverything();
  return {red, took};
"""


class HeadlineTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        exchange = cls.enterClassContext(Exchange())
        # The page knows the clock's tolerance.
        cls.bridge = cls.enterClassContext(Bridge(exchange, ["trade.SOL_USDC"], BRIDGE_UPSTREAM__WINDOW_MS="5000"))
        exchange.wait_for_subscriptions(["trade.SOL_USDC"])
        wait_until(lambda: cls.bridge.status()["ready"], "a bridge that is ready")
        # The made-up ones have all that this one has.
        cls.real = cls.bridge.status()
        cls.browser = cls.enterClassContext(Browser())
        cls.page = Page(cls.browser)
        cls.epoch = START * 1000

    def setUp(self):
        self.page.open(self.bridge)
        self.new_bridge()

    def new_bridge(self):
        """One of which the page knows nothing."""
        type(self).epoch += 1

    def well(self, time=NOW, messages=None):
        """The status at a time of one that is well."""
        status = copy.deepcopy(self.real)
        messages = (time - START) // 100 + 10_000 if messages is None else messages
        status.update({
            "time_ms": time, "epoch": self.epoch - 10 ** 9, "connected_ms": START, "connection": 1,
            "last_message_ms": time - 100, "clock_offset_ms": 0, "ping_rtt_ms": 10, "consumers": [],
            "received": {"messages": messages, "bytes": messages, "malformed": 0},
            "lag": {"count": messages, "sum_seconds": messages * 0.02},
            "forward": {"count": messages, "sum_seconds": messages * 0.00001},
            "subscribers": public(1)})
        status["streams"][0].update({"state": "live", "messages": messages, "last_message_ms": time - 100})
        return status

    def made_up(self, case, age=0):
        status = self.well(NOW - age)
        for key, value in case.changes.items():
            if key in ("lag", "forward"):
                value = {**status[key], "sum_seconds": status[key]["count"] * value["sum_seconds"]}
            status[key] = value
        if age and "last_message_ms" not in case.changes:
            status["last_message_ms"] = NOW - age - 100
        status["streams"][0].update(case.stream)
        return status

    def show(self, case):
        self.new_bridge()
        self.page.tell(*(self.made_up(case, age) for age in (*case.before, 0)))

    def says(self, cases):
        for case in cases:
            with self.subTest(word=case.word, advice=case.advice, changes=case.changes, stream=case.stream):
                self.show(case)
                headline = self.page.headline()
                self.assertEqual(self.page.word(), case.word, headline)
                self.assertIn(case.advice, headline)
                self.assertEqual(self.page.level(), case.level)
                self.assertRegex(headline, rf"^\S{case.word}: [^.]+(\.\w+[^.]*)*\.$")
        self.assertEqual(self.browser.console_errors(), [])

    def test_says_the_state_and_what_to_do_in_one_sentence(self):
        self.says(STATES)

    def test_says_what_is_wrong_at_consumers(self):
        self.says(CONSUMERS)

    def test_says_what_is_wrong_in_the_bridge(self):
        self.says(BRIDGE)

    def test_says_what_is_wrong_with_jetstream(self):
        self.says(JETSTREAM)

    def test_says_what_is_wrong_at_the_exchange_and_on_the_way(self):
        self.says(EXCHANGE)

    def test_fits_on_a_phone_whatever_it_says(self):
        self.browser.resize(320, 640)
        for case in (max(JETSTREAM, key=lambda case: max(map(len, case.advice.split()))),
                     Case("consumer behind", "", {"consumers": [{**BEHIND, "address": "[" + "2001:0db8:" * 6 + "]:50000"}]},
                          before=(6 * SECOND,))):
            self.show(case)
            self.assertEqual(self.page.word(), case.word)
            self.assertLessEqual(self.page.run("""
              const edge = document.getElementById('banner').getBoundingClientRect().right;
              const range = document.createRange();
              range.selectNodeContents(document.getElementById('headline'));
              return Math.max(...[...range.getClientRects()].map(line => line.right)) - edge;
            """), 0, self.page.headline())

    def test_tells_of_what_has_been_counted_since_it_looks(self):
        for word, advice, change in (
                ("malformed messages", "tell the developers",
                 lambda status: status["received"].update(malformed=1)),
                ("errors", "the exchange answers with errors", lambda status: status["errors"].update(other=1)),
                ("consumer refused", "whether it is a consumer of yours",
                 lambda status: status.update(auth_failures=public(1))),
                ("consumers turned away", "too many connections or subscriptions",
                 lambda status: status.update(turned_away=public(1))),
                ("JetStream loses", "holes in Bridge-Sequence",
                 lambda status: status.update(jetstream={**SINK, "lost": 7})),
                ("unsteady", "last by the network (reset), so see to it",
                 lambda status: status.update(reconnects=3, **LOST))):
            with self.subTest(word):
                self.new_bridge()
                before, after = self.well(NOW - 2 * SECOND), self.well()
                change(after)
                self.page.tell(before, after)
                self.assertEqual(self.page.word(), word)
                self.assertIn(advice, self.page.headline())
                self.new_bridge()
                before["epoch"] = after["epoch"] = self.epoch - 10 ** 9
                self.page.tell(after)
                self.assertEqual(self.page.word(), "live", "it may have been long ago")

    def test_says_the_most_serious_first_and_the_rest_below(self):
        self.new_bridge()
        status = self.well()
        status.update(clock_offset_ms=3000, evicted=public(1), last_evicted_ms=public(NOW - MINUTE))
        status["streams"][0].update(last_gap_ms=NOW - MINUTE)
        self.page.tell(status)
        self.assertEqual(self.page.word(), "consumer evicted")
        others = self.page.texts("#reasons li")
        self.assertEqual([text.split(":")[0] for text in others], ["gap", "clock off"])
        status.update(state="down", ready=False, **LOST)
        self.page.tell(status)
        self.assertEqual(self.page.word(), "down")
        self.assertEqual(self.page.texts("#reasons li"), [])

    def test_marks_the_stream_that_is_stale(self):
        self.new_bridge()
        status = self.well()
        stale = {**status["streams"][0], "name": "ticker.BTC_USDC", "last_message_ms": NOW - MINUTE}
        status["streams"].append(stale)
        self.page.tell(status)
        self.assertEqual(self.page.texts("td.age.some"), ["1 min"])
        self.assertEqual(self.page.word(), "stream stale")
        stale["last_message_ms"] = NOW - 100
        self.page.tell(status)
        self.assertEqual(self.page.texts("td.age.some"), [])
        self.assertEqual(self.page.word(), "live")

    def test_gives_a_stream_that_is_new_time_to_speak(self):
        self.new_bridge()
        before, after = self.well(NOW - SECOND), self.well()
        after["streams"].append({**after["streams"][0], "name": "ticker.NEW_USDC", "last_message_ms": 0})
        self.page.tell(before, after)
        self.assertEqual(self.page.word(), "live")

    def test_begins_anew_with_what_lasts_after_an_outage(self):
        """A consumer that was behind before it need not be any more."""
        self.new_bridge()
        statuses = [self.well(NOW - age) for age in (20 * SECOND, 10 * SECOND, 0)]
        statuses[0]["consumers"] = statuses[2]["consumers"] = [BEHIND]
        statuses[1].update(DOWN)
        self.page.tell(*statuses)
        self.assertEqual(self.page.word(), "live")

    def test_goes_by_no_clock_that_can_be_set(self):
        for step in (60 * MINUTE, -60 * MINUTE):
            with self.subTest(step=step):
                self.new_bridge()
                statuses = [with_durations(status) for status in self.at_a_pace(*[10] * 20)]
                for number, status in enumerate(statuses):
                    status.update(LOST)
                    status["streams"][0]["last_gap_ms"] = NOW - MINUTE
                    if number >= 10:  # what came before it was set is told as it was then
                        for times in (status, status["streams"][0]):
                            times["last_message_ms"] += step
                        status["time_ms"] += step
                self.page.run(WATCH)
                self.page.tell_as_it_is(*statuses)
                self.assertEqual(self.page.word(), "gap")
                self.assertEqual(set(self.page.run("return window.levels")) - {"amber", "green"}, set())
                self.assertEqual(self.page.cells("age"), ["<1 s"])
                self.assertEqual(self.page.facts()["Last disconnect"], "reset, 1 min 00 s ago")
                self.assertEqual(self.page.texts(".big .value")[0], "10.0")
                [curve] = self.points(0)
                self.assertEqual([ago for ago, _ in curve], [second * SECOND for second in range(20, -1, -1)])
                shown = self.page.text("#as-of")
                self.assertEqual(self.page.run("return new Date(arguments[0]).toLocaleTimeString('en-GB')",
                                               NOW + step), shown[-8:], "the wall clock's time is shown")

    def test_knows_silence_though_durations_are_rounded(self):
        self.new_bridge()
        statuses = [with_durations(status) for status in self.at_a_pace(*[10] * 30)]
        for second in range(1, 6):
            status = self.well(NOW + second * SECOND, statuses[-1]["received"]["messages"])
            status["last_message_ms"] = status["streams"][0]["last_message_ms"] = NOW - 100
            statuses.append(with_durations(status))
            statuses[-1]["uptime_seconds"] += second * 0.0003
        self.page.tell_as_it_is(*statuses)
        self.assertEqual(self.page.word(), "silent")

    def test_sorts_streams_by_their_ages(self):
        self.new_bridge()
        status = self.well()
        [stream] = status["streams"]
        ages = {"trade.A": 90 * SECOND, "trade.B": 100, "trade.C": 5 * SECOND, "trade.D": 30 * MINUTE,
                "trade.E": 45 * SECOND}
        status["streams"] = [{**stream, "name": name, "last_message_ms": NOW - age}
                             for name, age in ages.items()]
        status["streams"].append({**stream, "name": "trade.F", "last_message_ms": 0})
        self.page.tell(status)
        self.page.sort_by("age")
        self.assertEqual(list(self.page.by_stream("age").items()),
                         [("trade.F", "never"), ("trade.D", "30 min"), ("trade.A", "1 min"),
                          ("trade.E", "45 s"), ("trade.C", "5 s"), ("trade.B", "<1 s")])
        self.page.sort_by("age")
        self.assertEqual(self.page.names(), ["trade.B", "trade.C", "trade.E", "trade.A", "trade.D", "trade.F"])

    # -- When it looks. Together with these limits it is what makes it red in time.

    def test_calls_it_silence_after_a_gap_that_chance_brings_once_a_week_and_not_before_a_second_and_a_half(self):
        for rate, limit in ((10, 1560), (100, 1500), (1, 13_200)):
            for silence, word in ((limit * 97 // 100, "live"), (limit * 103 // 100, "silent")):
                with self.subTest(rate=rate, silence=silence):
                    self.new_bridge()
                    status = self.well(messages=1100 * rate)
                    status["last_message_ms"] = NOW - silence
                    self.page.tell(status)
                    self.assertEqual(self.page.word(), word)

    def test_looks_each_second_and_sooner_where_silence_would_count_before(self):
        self.page.run("""
          const schedule = window.setTimeout;
          window.delays = [];
          window.setTimeout = (call, delay) => {
            if (delay > 1) window.delays.push(delay);
            return schedule(call, delay);
          };
        """)
        for silence, least, most in ((100, 1000, 1000), (1300, 260, 350), (1540, 50, 100)):
            self.new_bridge()
            status = self.well()
            status["last_message_ms"] = NOW - silence
            self.page.tell(status)
            delay = self.page.run("return window.delays.at(-1)")
            self.assertGreaterEqual(delay, least)
            self.assertLessEqual(delay, most)

    def test_takes_hardly_a_pause_of_a_market_for_silence(self):
        """What comes by chance is silent for so long once a week, in the mean."""
        for hours, market, most in ((6, {"perSecond": 300}, 0), (24, {"perSecond": 10}, 1),
                                    (72, {"perSecond": 1}, 2), (168, {"perSecond": 0.2}, 3),
                                    (24, {"perSecond": 1, "burst": 20, "ticker": True}, 0),
                                    (24, {"perSecond": 0.05, "burst": 500, "ticker": True}, 0)):
            with self.subTest(**market):
                self.assertLessEqual(self.page.run(MARKET, {"hours": hours, **market})["red"], most)

    def test_is_red_within_two_seconds_of_the_last_of_ten_messages_a_second(self):
        """By its own limits, in 99 of 100 cases; what the machine adds to it is measured elsewhere."""
        seen = self.page.run(MARKET, {"hours": 24, "perSecond": 10, "ends": 500})
        self.assertEqual(seen["red"], 500)
        self.assertLess(sorted(seen["took"])[500 * 99 // 100 - 1], 2 * SECOND)

    # -- Charts

    def points(self, number):
        """Of a chart's curve, as pairs of milliseconds ago and height in percent."""
        drawn = self.page.run("return document.querySelectorAll('.curve')[arguments[0]].getAttribute('d')", number)
        pieces = [re.findall(r"([-\d.]+) ([-\d.]+)", piece) for piece in drawn.split("M") if piece]
        return [[(5 * MINUTE - float(x), 100 - float(y)) for x, y in piece] for piece in pieces]

    def at_a_pace(self, *paces):
        """Statuses of seconds in each of which so many messages came, the last of them now."""
        statuses, messages = [], 10_000
        for number, pace in enumerate((0, *paces)):
            messages += pace
            statuses.append(self.well(NOW - (len(paces) - number) * SECOND, messages))
        return statuses

    def test_draws_the_rate_of_each_second(self):
        self.new_bridge()
        self.page.tell(*self.at_a_pace(*[10] * 20, *[40] * 20))
        self.assertEqual(self.page.texts(".big .value")[0], "40.0")
        self.assertEqual(self.page.texts(".note")[0], "11,000 in all")
        self.assertIn("peak 40.0 per second", self.page.texts(".axis span"))
        [curve] = self.points(0)
        self.assertEqual([ago for ago, _ in curve], [second * SECOND for second in range(40, -1, -1)])
        heights = [height for _, height in curve]
        for before, after in zip(heights[:20], heights[21:]):
            self.assertAlmostEqual(after / before, 4, delta=0.1)
        self.assertAlmostEqual(max(heights), 100 / 1.05, delta=0.1)

    def test_leaves_out_of_the_chart_what_it_does_not_know_and_marks_what_was_red(self):
        self.new_bridge()
        statuses = self.at_a_pace(*[10] * 30)
        for status in statuses[10:15]:
            status.update(DOWN)
        self.page.tell(*statuses)
        drawn = self.page.run("return document.querySelector('.bad').getAttribute('d')")
        red = [(int(start), int(end)) for start, end in re.findall(r"M(\d+) 0H(\d+)V100", drawn)]
        self.assertEqual(red, [(5 * MINUTE - ago * SECOND, 5 * MINUTE - (ago - 1) * SECOND)
                               for ago in range(20, 15, -1)])
        self.page.run("window.fetch = async () => { throw new TypeError('gone'); };")
        self.page.wait_for("bridge unreachable")
        self.new_bridge()
        self.page.tell(*self.at_a_pace(10, 10))
        [curve] = self.points(0)
        self.assertEqual(len(curve), 3, "of the bridge that was there before nothing is left")

    def test_keeps_five_minutes_of_it(self):
        self.new_bridge()
        self.page.tell(*self.at_a_pace(*[10] * 400))
        [curve] = self.points(0)
        self.assertEqual(max(ago for ago, _ in curve), 5 * MINUTE)

    def test_shows_the_lag_and_what_of_it_is_the_clocks_difference(self):
        self.new_bridge()
        statuses = self.at_a_pace(10, 10, 10)
        for status in statuses:
            status["lag"]["sum_seconds"] = status["lag"]["count"] * 0.05
            status["clock_offset_ms"] = -30
        self.page.tell(*statuses)
        self.assertEqual(self.page.texts(".big .value")[2] + self.page.texts(".big .unit")[2], "50.0ms")
        self.assertEqual(self.page.texts(".note")[2], "20.0 ms after clock offset")
        [curve] = self.points(2)
        self.assertEqual(len(curve), 4)
        statuses[-1]["clock_offset_ms"] = None
        self.page.tell(statuses[-1])
        self.assertEqual(self.page.texts(".note")[2], "includes the clocks’ difference, unknown")

    # -- Where there is no status

    def test_tells_a_bridge_that_is_lost_from_what_is_no_bridge_and_from_a_fault_of_its_own(self):
        for script, word, advice in (
                ("throw new TypeError('Failed to fetch')", "bridge unreachable", "whether its process runs"),
                ("throw new DOMException('', 'TimeoutError')", "no answer", "whether the bridge’s process hangs"),
                ("return {ok: false, status: 502}", "no bridge", "is not the bridge"),
                ("return {ok: true, text: async () => 'hello'}", "no bridge", "is not the bridge"),
                ("return {ok: true, text: async () => '{}'}", "no bridge", "is not the bridge")):
            with self.subTest(script):
                self.new_bridge()
                self.page.tell(self.well())  # of the case before nothing is to be left
                self.page.run(f"window.fetch = async () => {{ {script}; }};")
                self.page.wait_for(word)
                self.assertIn(advice, self.page.headline())
                self.assertEqual(self.page.level(), "red")
        self.assertEqual(self.browser.console_errors(), [])

        self.new_bridge()
        broken = self.well()
        broken["received"] = None  # what it draws is not there
        self.page.tell(broken)
        self.assertEqual(self.page.word(), "page fault")
        self.assertIn("the bridge answers, but this page cannot show it, so reload it", self.page.headline())
        self.assertIn("null", self.page.text("#since"))
        self.assertTrue(self.browser.console_errors(), "developers want to know where")
        self.page.tell(self.well(NOW + SECOND))
        self.assertEqual(self.page.word(), "live")

    def test_goes_on_after_a_stream_that_it_cannot_show(self):
        self.new_bridge()
        broken = self.well()
        broken["streams"] = [None]
        self.page.tell(broken)
        self.page.wait_for("page fault")
        self.page.tell(self.well())
        self.assertEqual(self.page.word(), "live")

    def test_has_a_word_of_advice_for_every_way_in_which_an_attempt_can_fail(self):
        text = (ROOT / "bridge/observe/vocabulary.cpp").read_text(encoding="utf-8")
        results = set(re.findall(r"case ConnectResult::(\w+):", text)) - {"ok"}
        shown = {case.changes.get("last_attempt") for case in STATES}
        self.assertGreater(len(results), 4)
        self.assertLessEqual(results, shown)

    def test_has_a_word_of_advice_for_every_reason_for_which_a_connection_can_end(self):
        text = (ROOT / "bridge/observe/vocabulary.cpp").read_text(encoding="utf-8")
        reasons = set(re.findall(r"case DisconnectReason::(\w+):", text)) - {"local"}
        self.assertGreater(len(reasons), 4)
        for reason in reasons:
            self.new_bridge()
            before, after = self.well(NOW - 2 * SECOND), self.well()
            after.update(reconnects=3, connected_ms=NOW - MINUTE,
                         last_disconnect={"reason": reason, "time_ms": NOW - MINUTE})
            self.page.tell(before, after)
            self.assertIn(f"({reason})", self.page.headline())

    def test_calls_stale_what_the_alert_calls_stale(self):
        """By the same patterns, in the same words."""
        script = (ROOT / "bridge/observe/status_page/exchange_concerns.js").read_text(encoding="utf-8")
        rules = (ROOT / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8")
        patterns = [pattern.removeprefix("(").removesuffix(")") if "|kline" in pattern else pattern
                    for pattern in re.findall(r"^  \[/\^(.*)\$/, ", script, re.MULTILINE)]
        self.assertEqual(len(patterns), 3)
        for pattern in patterns:
            self.assertIn(f'stream=~"{pattern}"', rules)


if __name__ == "__main__":
    unittest.main()
