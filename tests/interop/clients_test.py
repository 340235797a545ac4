"""The consumers of deploy/clients against a bridge that is restarted, stopped, dropped and outrun."""

import collections
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import npm
from at_once import AtOnce
from harness import (BRIDGE, DEADLINE, IS_HEAVY, ROOT, Bridge, Exchange, Program, clean_environment,
                     free_port, wait_until)
from scripted_bridge import FIRST, ScriptedBridge
from tcp_proxy import TcpProxy

CLIENTS = ROOT / "deploy/clients"
DEPTH, TRADE, TICKER = STREAMS = ["depth.SOL_USDC", "trade.SOL_USDC", "bookTicker.SOL_USDC"]
# What a subscription to TRADE and TICKER catches, too.
UNWANTED = ["trade.SOL_USDC_PERP", "bookTicker.SOL_USDC_PERP"]
# The long form of the killing: ten minutes by BPX_SECONDS=600.
LONG_S = float(os.environ.get("BPX_SECONDS", "60" if IS_HEAVY else "15"))
LONG_RATE = 10_200  # events a second of the exchange's engine, of which these streams tell 5,000
FAR_BEHIND = 50_000  # messages
STEP = 3_000  # messages, most of which nobody wants
MOST_STEPS = 60  # until a queue of ten thousand is full
IMPATIENT_S = 1.5  # after which a client that had nothing to read would ask again
RELUCTANCE_S = 0.05  # for which a line more than a pipe holds has its client busy
HALT_S = 3.5  # after which a client that heard nothing would take the bridge for silent,
BEHIND = ["--behind", "3"]  # and which is longer than one with these waits for what it has not read:
FEW_BEATS = 1_000  # which it reads in far less
LARGE = json.dumps({"t": 2, "x": "x" * 200_000})  # more than a pipe holds
LINE = re.compile(r'(\S+) (\d+) (\d+) (\{"data":.*,"stream":"(\S+)"\})')


class Client(Program):
    """A consumer that runs: what it has printed, and in `lines` what else it said."""

    def __init__(self, command):
        self.printed = []  # pairs of stream and text, as Exchange.sent has them
        self.by_epoch = {}  # likewise, of each bridge
        self.positions = {}  # stream → epoch and sequence printed last
        self.faults = []  # what is not in sequence
        self.reluctance = 0  # seconds that each line has to wait until the next is read
        self._is_read = threading.Event()
        self._is_read.set()
        # Apart: what it says besides must not come in the midst of a line that it prints.
        super().__init__(command, clean_environment(), stderr=subprocess.PIPE)
        self._start_reading(self._listen)

    def _listen(self):
        for line in self._process.stderr:
            self.lines.append(line.rstrip("\n"))

    def _read(self):
        for line in self._process.stdout:
            self._take(line.rstrip("\n"))
            self._is_read.wait()
            if self.reluctance:
                time.sleep(self.reluctance)

    def _take(self, line):
        match = LINE.fullmatch(line)
        if not match or match[1] != match[5]:  # the latter where a kill has cut a line short
            self.lines.append(line)
            return
        stream, epoch, sequence = match[1], int(match[2]), int(match[3])
        before = self.positions.get(stream)
        if before and sequence != (before[1] + 1 if epoch == before[0] else 1):
            self.faults.append((stream, before, epoch, sequence))
        self.positions[stream] = epoch, sequence
        self.printed.append((stream, match[4]))
        self.by_epoch.setdefault(epoch, []).append(self.printed[-1])

    def hold_up(self):
        """What it prints behind its next line is not read: it gets no further than a pipe holds."""
        self._is_read.clear()

    def let_go(self, reluctance=0):
        self.reluctance = reluctance
        self._is_read.set()

    def stop(self, sign=signal.SIGTERM):
        self.let_go()
        if self.is_running:
            self.send(signal.SIGCONT)  # a test may have failed while it was stopped
        return super().stop(sign)

    def count(self, pattern):
        return sum(bool(re.match(pattern, line)) for line in list(self.lines))

    def last_book(self):
        """The line of the only one. Behind it, zeromq.js may say that it takes long to end."""
        [line] = [line for line in self.lines if line.startswith("bridge.book/")]
        return line

    def wait_for_another(self, pattern, provoke):
        """Does what provokes it, then waits for a line more that matches."""
        before = self.count(pattern)
        provoke()
        wait_until(lambda: self.count(pattern) > before or not self.is_running, f"another {pattern}")
        assert self.is_running, "\n".join(self.lines[-20:])


def all_sent(exchange, streams):
    """What went to clients of these."""
    return [(stream, text) for stream, text in exchange.sent() if stream in streams]


def sent_to(exchange, connection, streams):
    """Likewise, on one connection."""
    return [(frame["stream"], frame["text"]) for frame in exchange.everything_sent()
            if frame["connection"] == connection and frame["stream"] in streams]


def by_stream(messages, streams):
    return {stream: [text for name, text in messages if name == stream] for stream in streams}


def frames_sent(exchange):
    return exchange.state()["counters"]["frames_sent"]


def come_to_rest(exchange, streams=tuple(STREAMS)):
    """Stops the market; returns what was said on these streams."""
    exchange.come_to_rest()
    return all_sent(exchange, streams)


def more(exchange, count):
    """Waits until so many frames more have been sent."""
    end = frames_sent(exchange) + count
    wait_until(lambda: frames_sent(exchange) >= end, f"{count} frames more")


class Ledger:
    """Compares what is printed with what the exchange said, a part at a time, and keeps neither."""

    def __init__(self, exchange, streams):
        self.count = 0  # frames that the exchange has said, as far as it was asked
        self.compared = dict.fromkeys(streams, 0)
        self._exchange = exchange
        self._said = {stream: collections.deque() for stream in streams}
        self._printed = {stream: collections.deque() for stream in streams}

    def look(self):
        """Reads on, before the exchange forgets what it said."""
        while frames := self._exchange.log(self.count):
            assert frames[0]["n"] == self.count, "the exchange has forgotten what it said"
            self.count += len(frames)
            for frame in frames:
                if frame["stream"] in self._said:
                    self._said[frame["stream"]].append(frame["text"])

    def compare(self, printed):
        """What is not as said, if anything: a stream, and the two texts."""
        self.look()
        for stream, text in printed:
            self._printed[stream].append(text)
        for stream, texts in self._printed.items():
            while texts and self._said[stream]:
                got, meant = texts.popleft(), self._said[stream].popleft()
                if got != meant:
                    return stream, got, meant
                self.compared[stream] += 1
        return None

    def lacks(self, printed):
        """How many messages, all told, were said and are neither compared nor in `printed`."""
        self.look()
        return (sum(map(len, self._said.values())) - sum(map(len, self._printed.values())) -
                len(printed))


class ClientTest:
    """What every client must stand."""

    has_curve = True
    keepalive_min = 0  # minutes of silence, rounded down, after which the system probes the connection
    is_killed_for_long = IS_HEAVY
    most_waiting = 2_000  # live messages of a stream, of hasty_command

    def command(self):
        """Of the client, without arguments."""
        raise NotImplementedError

    def hasty_command(self):
        """Of a client that is the same but for that bound, which is 100,000: to get there costs seconds."""
        raise NotImplementedError

    @classmethod
    def hasty(cls, source):
        bound = "MOST_WAITING = 100_000"
        assert source.count(bound) == 1
        return source.replace(bound, f"MOST_WAITING = {cls.most_waiting}")

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.port = free_port()
        self.client_options = []
        self.settings = {
            "BRIDGE_PUBLISH__PUBLIC__BIND": f"tcp://127.0.0.1:{self.port}",
            "BRIDGE_PUBLISH__BOOKS": DEPTH,
            # What is lost to a consumer that is stopped is what its queue and TCP's held, and what
            # came before it was back. No stream has half of that.
            "BRIDGE_PUBLISH__SEND_HWM": "10000",
            "BRIDGE_PUBLISH__REPLAY_MESSAGES": "9999",
            "BRIDGE_PUBLISH__REPLAY_BYTES": str(1 << 30),
        }
        if self.has_curve:
            self.encrypt()

    def encrypt(self):
        keys = {}
        for owner in "bridge", "consumer":
            text = subprocess.run([BRIDGE, "keygen"], text=True, capture_output=True, check=True,
                                  timeout=DEADLINE).stdout
            path = self.directory / f"{owner}.key"
            path.touch(0o600)
            path.write_text(text)
            keys[owner] = dict(line.split() for line in text.splitlines())["public_key"]
        curve = "BRIDGE_PUBLISH__PUBLIC__CURVE__"
        self.settings[curve + "SECRET_KEY_FILE"] = str(self.directory / "bridge.key")
        self.settings[curve + "ALLOW"] = keys["consumer"]
        self.client_options = ["--curve-server-key", keys["bridge"], "--curve-secret-key-file",
                               str(self.directory / "consumer.key")]

    def bridge(self, exchange):
        bridge = Bridge(exchange, STREAMS + UNWANTED, **self.settings)
        exchange.wait_for_subscriptions(STREAMS + UNWANTED)
        return bridge

    def client(self, *streams, port=None):
        return Client([*self.command(), f"tcp://127.0.0.1:{port or self.port}",
                       *(streams or STREAMS), "--book", *self.client_options])

    def scripted(self, *arguments, stream=TRADE, is_hasty=False):
        """A bridge that keeps secrets, and a client of its one stream, and of others where told."""
        command = self.hasty_command() if is_hasty else self.command()
        return ScriptedBridge(self.port, stream), Client(
            [*command, f"tcp://127.0.0.1:{self.port}", *arguments, stream])

    def wait_until_printed(self, bridge, client):
        bridge.wait_until(lambda: len(client.printed) >= len(bridge.texts) or not client.is_running,
                          f"{len(bridge.texts)} messages printed")
        self.assertEqual([text for _, text in client.printed], bridge.texts, client.lines[-20:])

    def wait_for_all(self, exchange, client):
        """Stops the market, and waits until the client has printed all that was said."""
        sent = come_to_rest(exchange)
        try:
            wait_until(lambda: len(client.printed) >= len(sent), f"{len(sent)} messages printed")
        finally:
            self.assertEqual(client.faults, [])
            self.compare(client.printed, sent, client)
        return sent

    def compare(self, printed, sent, client, streams=tuple(STREAMS)):
        printed, sent = by_stream(printed, streams), by_stream(sent, streams)
        for stream in streams:  # an ordinary assertEqual would print megabytes
            pairs = itertools.zip_longest(printed[stream], sent[stream])
            for sequence, (got, meant) in enumerate(pairs, 1):
                if got != meant:
                    self.fail(f"{stream}, message {sequence}: printed {got}, sent {meant}; "
                              f"it said {client.lines[-20:]}")

    @staticmethod
    def metric(bridge, name):
        return int(re.search(re.escape(name) + r" (\d+)", bridge.get("/metrics")[1])[1])

    @staticmethod
    def step(exchange, bridge):
        """The market goes on for some thousand messages. Returns when the bridge has them all."""
        exchange.fault("rate", per_second=5_000, messages=STEP)
        wait_until(lambda: exchange.state()["rate"] == 0, "the end of the step")
        fences = bridge.metric("received_messages_total", stream="other")
        exchange.come_to_rest()  # by a message that nobody asked for
        wait_until(lambda: bridge.metric("received_messages_total", stream="other") > fences,
                   "the bridge to have all that was said")

    def overrun(self, exchange, bridge, client, rate=500):
        """Stops the client until the bridge has had to drop what is for it. Then the market goes on
        at that rate, and so does the client."""
        episodes = 'slow_subscriber_episodes_total{endpoint="public"}'
        served = 'replays_total{result="served"}'
        before, asked = self.metric(bridge, episodes), self.metric(bridge, served)
        client.send(signal.SIGSTOP)
        # Megabytes lie in TCP's buffers before that: of what the client gets and does not want. Where
        # filling the queue takes too long, the bridge gives the client up, and what is said until it
        # is back is lost just the same.
        for _ in range(4):
            exchange.fault("huge", bytes=2_000_000, stream=UNWANTED[0])
        # A step at a time: however slow this machine is, no more is lost than the bridge remembers.
        steps = 0
        while (self.metric(bridge, episodes) == before and
               self.metric(bridge, 'subscribers{endpoint="public"}') > 0):
            self.assertLess(steps, MOST_STEPS, "the queue is never full")
            self.step(exchange, bridge)
            steps += 1
        self.step(exchange, bridge)
        exchange.rate(rate)
        client.send(signal.SIGCONT)
        wait_until(lambda: self.metric(bridge, served) > asked, "a request for what is lost")

    def test_prints_all_that_the_exchange_said_and_holds_its_book_whatever_happens(self):
        with Exchange() as exchange, self.bridge(exchange) as bridge:
            exchange.rate(500)
            more(exchange, 100)
            with self.client() as client:
                client.wait_for_line(f"book {DEPTH} ")
                self.overrun(exchange, bridge, client)
                client.wait_for_another(
                    f"book {DEPTH} ", lambda: exchange.fault("skip_ids", count=3, stream=DEPTH))
                client.wait_for_line(f"gap {DEPTH} ")
                self.wait_for_all(exchange, client)

                exchange.fault("drop")
                exchange.wait_for_subscriptions(STREAMS)
                client.wait_for_another(f"reconnected {TRADE} ", lambda: exchange.rate(500))
                self.wait_for_all(exchange, client)

                client.wait_for_another("bridge silent", lambda: bridge.send(signal.SIGSTOP))
                client.wait_for_another("bridge live", lambda: bridge.send(signal.SIGCONT))

                bridge.send(signal.SIGKILL)
                bridge.stop()
                with self.bridge(exchange):
                    client.wait_for_another(f"book {DEPTH} ", lambda: exchange.rate(500))
                    more(exchange, 100)
                    self.wait_for_all(exchange, client)
                    self.assertEqual(client.stop(), 0)
                    self.check_book(exchange, client)
        self.assertEqual(client.count("lost "), 0, client.lines)

    def test_ends_whole_though_bridges_are_killed_and_stopped_while_the_market_moves(self):
        signs = signal.SIGKILL, signal.SIGTERM, signal.SIGKILL
        epochs = []
        with Exchange() as exchange, self.client() as client:
            exchange.rate(500)
            for sign in signs:
                with self.bridge(exchange) as bridge:
                    epochs.append(self.follow(bridge, client))
                    bridge.stop(sign)
            with self.bridge(exchange) as bridge:
                epochs.append(self.follow(bridge, client))
                sent = come_to_rest(exchange) and sent_to(exchange, len(epochs), STREAMS)
                try:
                    wait_until(lambda: len(client.by_epoch[epochs[-1]]) >= len(sent), f"{len(sent)} messages printed")
                finally:
                    self.compare(client.by_epoch[epochs[-1]], sent, client)
                self.assertEqual(client.stop(), 0)
                self.check_book(exchange, client)
            for connection, epoch in enumerate(epochs[:-1], 1):  # what the bridge had no time for is not there
                printed = by_stream(client.by_epoch[epoch], STREAMS)
                for stream, texts in by_stream(sent_to(exchange, connection, STREAMS), STREAMS).items():
                    self.assertTrue(texts[:len(printed[stream])] == printed[stream], (stream, connection))
        self.assertEqual(list(client.by_epoch), epochs)
        self.assertEqual(client.faults, [])
        self.assertEqual(client.count("lost "), 0, client.lines)

    @staticmethod
    def follow(bridge, client):
        """Waits until the client prints what this bridge says, of each stream, and has its book."""
        epoch = bridge.status()["epoch"]
        wait_until(lambda: not client.is_running or all(client.positions.get(stream, (0, 0))[0] == epoch and
                                                        client.positions[stream][1] > 10 for stream in STREAMS),
                   "messages of this bridge")

        def has_book():
            lines = list(client.lines)
            if len(client.by_epoch) > 1:  # it has been another's
                said = f"epoch {DEPTH} {epoch}"
                lines = lines[lines.index(said):] if said in lines else []
            return any(line.startswith(f"book {DEPTH} ") for line in lines)
        wait_until(lambda: has_book() or not client.is_running, "a book of this bridge")
        return epoch

    def test_has_its_connection_watched_by_the_system(self):
        with Exchange() as exchange, self.bridge(exchange), self.client() as client:
            client.wait_for_line("bridge live")

            def timer():
                said = subprocess.run(["ss", "-tnoH", f"dport = :{self.port}"], text=True, capture_output=True,
                                      check=True, timeout=DEADLINE).stdout
                return re.search(r"timer:\(keepalive,(?:(\d+)min)?", said)
            found = wait_until(timer, "a timer of keepalive")
            self.assertEqual(int(found[1] or 0), self.keepalive_min)

    def test_finds_what_a_cut_took_at_the_end_though_nothing_follows(self):
        with Exchange() as exchange, self.bridge(exchange), TcpProxy(self.port) as proxy:
            exchange.rate(500)
            with self.client(port=proxy.port) as client:
                client.wait_for_line(f"book {DEPTH} ")
                self.wait_for_all(exchange, client)
                proxy.block()
                exchange.rate(500)
                more(exchange, 100)
                come_to_rest(exchange)
                proxy.cut()
                self.wait_for_all(exchange, client)
                self.assertEqual(client.stop(), 0)
                self.check_book(exchange, client)
        self.assertEqual(client.count("lost "), 0, client.lines)

    def test_ends_with_all_after_having_been_cut_off_for_a_while(self):
        """For a minute, in the long form."""
        with Exchange() as exchange, self.bridge(exchange), TcpProxy(self.port) as proxy:
            exchange.rate(500)
            with self.client(port=proxy.port) as client:
                client.wait_for_line(f"book {DEPTH} ")
                proxy.is_refusing = True
                proxy.cut()
                client.wait_for_line("bridge silent")
                time.sleep(57 if IS_HEAVY else 0)
                proxy.is_refusing = False
                self.wait_for_all(exchange, client)
                self.assertEqual(client.stop(), 0)
                self.check_book(exchange, client)
        self.assertEqual(client.count("lost "), 0, client.lines)

    def test_comes_back_where_its_connection_dies_without_a_word(self):
        with Exchange() as exchange, self.bridge(exchange), TcpProxy(self.port) as proxy:
            exchange.rate(500)
            with self.client(port=proxy.port) as client:
                client.wait_for_line(f"book {DEPTH} ")
                proxy.stall()
                more(exchange, 100)
                self.wait_for_all(exchange, client)
                self.assertEqual(client.stop(), 0)
                self.check_book(exchange, client)
        self.assertEqual(client.count("lost "), 0, client.lines)

    def test_finds_what_its_queue_did_not_hold_at_the_end_though_nothing_follows(self):
        with Exchange() as exchange, self.bridge(exchange) as bridge:
            exchange.rate(500)
            with self.client() as client:
                client.wait_for_line(f"book {DEPTH} ")
                self.overrun(exchange, bridge, client, rate=0)
                self.wait_for_all(exchange, client)
                self.assertEqual(client.stop(), 0)
                self.check_book(exchange, client)
        self.assertEqual(client.count("lost "), 0, client.lines)

    def test_asks_what_was_lost_where_a_stream_is_quiet(self):
        bridge, client = self.scripted("--quiet", "0.2")
        with bridge, client:
            bridge.wait_until(lambda: bridge.asked, "a first request")
            bridge.say()
            self.wait_until_printed(bridge, client)
            for asked in 1, 2, 3:  # no longer, because it has been in vain before
                bridge.wait_until(lambda count=asked: bridge.asked.count(2) >= count, "a vain request")
            bridge.say(is_lost=True)
            self.wait_until_printed(bridge, client)

    def test_asks_what_was_lost_where_the_bridges_status_has_a_hole(self):
        bridge, client = self.scripted("--quiet", "100000")
        with bridge, client:
            bridge.wait_until(lambda: bridge.asked and client.count("bridge live"), "a request and a status")
            bridge.say()
            self.wait_until_printed(bridge, client)
            bridge.say(is_lost=True)
            bridge.lose_status()
            self.wait_until_printed(bridge, client)
            self.assertEqual(set(bridge.asked), {1, 2})

    def test_subscribes_to_as_many_streams_as_it_is_told(self):
        streams = {f"quiet.{number}" for number in range(2000)}
        bridge, client = self.scripted(*streams)
        with bridge, client:
            bridge.wait_until(lambda: bridge.subscribed >= streams or not client.is_running,
                              "2,000 subscriptions")
            self.assertTrue(client.is_running, client.lines[-20:])

    def test_says_that_its_stream_was_away_on_one_connection_to_the_exchange_too(self):
        bridge, client = self.scripted()
        with bridge, client:
            bridge.wait_until(lambda: bridge.asked, "a first request")
            bridge.say(flags=FIRST)  # there was nothing before it
            bridge.say()
            bridge.say(flags=FIRST)  # nobody wanted it for a while: the bridge unsubscribed
            self.wait_until_printed(bridge, client)
            self.assertEqual(client.stop(), 0)
        self.assertEqual([line for line in client.lines if line.startswith("reconnected ")],
                         [f"reconnected {TRADE} 3"])

    def test_asks_for_no_more_than_its_beginning_where_that_has_all(self):
        bridge, client = self.scripted("--quiet", "100000")
        with bridge, client:
            bridge.say(is_lost=True)
            self.wait_until_printed(bridge, client)
            bridge.say()
            self.wait_until_printed(bridge, client)
        self.assertEqual(set(bridge.asked), {1})
        self.assertEqual(client.count("epoch "), 0, client.lines)

    def test_asks_what_was_lost_though_a_message_comes_before_its_turn(self):
        bridge, client = self.scripted("--quiet", "100000", "quiet.1", "quiet.2", "quiet.3")
        with bridge, client:
            bridge.wait_until(lambda: bridge.asked and client.count("bridge live"), "a request and a status")
            bridge.say()
            self.wait_until_printed(bridge, client)
            bridge.lose_status()
            bridge.beat()
            bridge.say()
            bridge.say(is_lost=True)
            self.wait_until_printed(bridge, client)

    def hold_up(self, bridge, client):
        """From the end of its first message on."""
        bridge.wait_until(lambda: bridge.asked, "a first request")
        client.hold_up()
        bridge.say()
        self.wait_until_printed(bridge, client)

    @staticmethod
    def go_on_for(seconds, bridge):
        end = time.monotonic() + seconds
        bridge.wait_until(lambda: time.monotonic() > end, f"{seconds} s to be over")

    def let_go_when_impatient(self, bridge, client, reluctance=0, after=IMPATIENT_S):
        """Returns once it has printed what was said, and all that it asked meanwhile is known."""
        self.go_on_for(after, bridge)
        client.let_go(reluctance)
        bridge.say()
        self.wait_until_printed(bridge, client)
        bridge.say(is_lost=True)
        bridge.say()
        self.wait_until_printed(bridge, client)

    @staticmethod
    def say_something_else(bridge, beats=5_000):
        """For so long that whatever a client does now and then has its turn."""
        for _ in range(beats):
            bridge.beat()

    def test_does_not_ask_again_for_what_waits_to_be_read(self):
        bridge, client = self.scripted("--quiet", "100000", "--behind", "100000")
        with bridge, client:
            self.be_in_doubt(bridge, client)
            client.hold_up()
            for _ in range(int(2 * IMPATIENT_S / RELUCTANCE_S)):
                bridge.say(data=LARGE)
            bridge.unanswered.pop()()
            bridge.answers = True
            self.let_go_when_impatient(bridge, client, RELUCTANCE_S)
        self.assertEqual(set(bridge.asked), {1, 2, len(bridge.texts) - 1})

    def test_asks_again_for_what_is_lost_though_something_always_waits_to_be_read(self):
        bridge, client = self.scripted("--quiet", "100000", "--behind", "1")
        with bridge, client:
            self.be_in_doubt(bridge, client)
            client.reluctance = RELUCTANCE_S
            for _ in range(200):
                bridge.say(data=LARGE)
            bridge.wait_until(lambda: bridge.asked[-1] > 2, "a request for what follows some of it")
            self.assertLess(len(client.printed), len(bridge.texts))
            client.reluctance = 0
            bridge.answers = True
            self.wait_until_printed(bridge, client)

    def be_in_doubt(self, bridge, client):
        """Returns once it has asked for what follows its first message, of which nothing is lost, in vain."""
        bridge.wait_until(lambda: bridge.asked and client.count("bridge live"), "a request and a status")
        bridge.say()
        self.wait_until_printed(bridge, client)
        bridge.answers = False
        bridge.lose_status()
        bridge.wait_until(lambda: 2 in bridge.asked, "a request")

    def test_takes_an_answer_that_comes_after_it_has_asked_again(self):
        bridge, client = self.scripted("--quiet", "100000")
        with bridge, client:
            bridge.wait_until(lambda: bridge.asked, "a first request")
            bridge.say()
            self.wait_until_printed(bridge, client)
            bridge.answers = False
            bridge.say(is_lost=True)
            bridge.say()
            seen = 1

            def is_printed():
                """The last request but one is answered, whenever there is another."""
                nonlocal seen
                if len(bridge.unanswered) > seen:
                    seen = len(bridge.unanswered)
                    bridge.unanswered[-2]()
                return len(client.printed) >= len(bridge.texts) or not client.is_running
            bridge.wait_until(is_printed, "all to be printed")
            self.wait_until_printed(bridge, client)

    def test_does_not_ask_again_for_what_came_while_it_did_not_read(self):
        bridge, client = self.scripted("--quiet", "100000", *BEHIND)
        with bridge, client:
            self.hold_up(bridge, client)
            bridge.meanwhile = lambda: self.say_something_else(bridge, FEW_BEATS)
            bridge.say(is_lost=True, data=LARGE)
            bridge.say()
            bridge.wait_until(lambda: 2 in bridge.asked, "a request")
            self.let_go_when_impatient(bridge, client, after=HALT_S)
        self.assertEqual(set(bridge.asked), {1, 2, 5})

    def test_takes_its_halt_for_no_silence_and_no_lack_of_an_answer(self):
        bridge, client = self.scripted("--quiet", "100000", *BEHIND)
        with bridge, client:
            bridge.wait_until(lambda: bridge.asked and client.count("bridge live"), "a request and a status")
            bridge.say()
            self.wait_until_printed(bridge, client)
            bridge.answers = False
            bridge.say(is_lost=True)
            bridge.say()
            bridge.wait_until(lambda: 2 in bridge.asked, "a request")
            client.send(signal.SIGSTOP)
            self.say_something_else(bridge, FEW_BEATS)
            bridge.unanswered.pop()()
            bridge.answers = True
            self.go_on_for(HALT_S, bridge)
            before = list(bridge.asked)
            client.send(signal.SIGCONT)
            self.wait_until_printed(bridge, client)
            bridge.say(is_lost=True)
            bridge.say()
            self.wait_until_printed(bridge, client)
        self.assertEqual(set(bridge.asked[len(before):]), {4})
        self.assertEqual(client.count("bridge silent"), 0, client.lines)

    def test_takes_the_bridge_for_silent_no_longer_than_until_it_says_anything(self):
        bridge, client = self.scripted("--quiet", "100000")
        with bridge, client:
            bridge.wait_until(lambda: client.count("bridge live"), "a status")
            bridge.beats = False
            bridge.wait_until(lambda: client.count("bridge silent"), "silence")
            bridge.wait_until(lambda: bridge.say() or client.count("bridge live") == 2, "its end")

    def test_takes_a_stream_that_is_named_twice_for_one(self):
        bridge, client = self.scripted("--quiet", "100000", TRADE)
        with bridge, client:
            bridge.say(is_lost=True)
            self.wait_until_printed(bridge, client)
            bridge.say()
            bridge.say(is_lost=True)
            bridge.say()
            self.wait_until_printed(bridge, client)
        self.assertEqual(set(bridge.asked), {1, 3})

    def test_goes_on_where_the_bridge_does_not_know_what_it_is_asked_for(self):
        bridge, client = self.scripted("--quiet", "100000")
        bridge.knows = False
        with bridge, client:
            bridge.wait_until(lambda: client.count(f"unknown {TRADE}$"), "a first answer")
            bridge.say(is_lost=True)
            bridge.say()
            bridge.say()
            bridge.wait_until(lambda: len(client.printed) >= 2 or not client.is_running, "the rest")
            self.assertEqual([text for _, text in client.printed], bridge.texts[1:], client.lines[-20:])
            self.assertEqual(set(bridge.asked), {1})
            self.assertGreaterEqual(len(bridge.asked), 3)
        self.assertEqual(client.count(f"lost {TRADE} 1 1$"), 1)

    def test_takes_no_stream_for_quiet_whose_messages_wait_to_be_read(self):
        bridge, client = self.scripted("--quiet", "0.05")
        with bridge, client:
            self.hold_up(bridge, client)
            bridge.say(data=LARGE)
            self.say_something_else(bridge)
            bridge.say()
            self.let_go_when_impatient(bridge, client)
        self.assertNotIn(3, bridge.asked)

    def test_ends_when_told_to_though_much_waits_to_be_read(self):
        bridge, client = self.scripted("--quiet", "100000")
        with bridge, client:
            self.hold_up(bridge, client)
            bridge.say(data=LARGE)
            self.say_something_else(bridge)
            client.send(signal.SIGTERM)
            client.let_go()
            # A second signal could come where the language's own end no longer minds it.
            self.assertEqual(client.wait_for_end(), 0, client.lines[-20:])

    def test_asks_ever_more_seldom_where_no_answer_comes(self):
        bridge, client = self.scripted()
        with bridge, client:
            bridge.answers = False
            bridge.wait_until(lambda: len(bridge.asked_at) >= 3, "three requests")
            if IS_HEAVY:
                first, second, third = bridge.asked_at
                self.assertGreaterEqual(second - first, 1)  # seconds
                self.assertGreaterEqual(third - second, 2)

    def test_asks_another_bridge_twice_too(self):
        bridge, client = self.scripted("--quiet", "100000")
        with bridge, client:
            bridge.wait_until(lambda: bridge.asked, "a first request")
            bridge.say()
            self.wait_until_printed(bridge, client)
            bridge.lost_in_replays = [{2}]
            bridge.meanwhile = lambda: setattr(bridge, "answers", False)
            bridge.say(is_lost=True)
            bridge.say()
            bridge.wait_until(lambda: bridge.asked.count(2) >= 2, "a second request")

            before = bridge.texts[:1]
            bridge.restart()
            bridge.answers, bridge.lost_in_replays = True, [{1}]
            for _ in range(3):
                bridge.say(is_lost=True)
            bridge.wait_until(lambda: len(client.printed) >= 4 or not client.is_running, "the rest")
            self.assertEqual([text for _, text in client.printed], before + bridge.texts)
        self.assertEqual(client.count("lost "), 0, client.lines)

    def test_asks_for_a_book_ever_more_seldom_where_there_is_none(self):
        bridge, client = self.scripted("--book", stream=DEPTH)
        with bridge, client:
            bridge.wait_until(lambda: len(bridge.books_asked) >= 2, "a second request")
            bridge.book = '{"asks":[],"bids":[],"lastUpdateId":"7"}'
            bridge.wait_until(lambda: client.count(f"book {DEPTH} 0"), "a book")
            if IS_HEAVY:
                first, second, third = bridge.books_asked
                self.assertGreaterEqual(second - first, 1)  # seconds
                self.assertGreaterEqual(third - second, 2)

    def test_asks_for_the_book_anew_where_it_cannot_read_a_message(self):
        bridge, client = self.scripted("--book", stream=DEPTH)
        bridge.book = '{"asks":[],"bids":[],"lastUpdateId":"7"}'
        with bridge, client:
            for data in ('{"e":"depth"}', '{"u":null}', '{"u":"eight"}', '[]', '"u"', 'null',
                         '{"u":8,"a":7}', '{"u":8,"a":[["1"]]}', '{"u":8,"b":[["one","2"]]}'):
                bridge.wait_until(lambda: client.count(f"book {DEPTH} {len(bridge.texts)}$") or
                                  not client.is_running, f"a book before {data}")
                bridge.say(data=data)
                self.wait_until_printed(bridge, client)
            bridge.wait_until(lambda: client.count(f"book {DEPTH} {len(bridge.texts)}$"), "a book")
            self.assertEqual(client.stop(), 0)

    def test_ignores_what_is_beyond_its_books_horizon_and_asks_anew_where_a_side_runs_short(self):
        def book(last_id, asks, bids, horizon):
            return json.dumps({"asks": [[str(price), "1"] for price in asks],
                               "bids": [[str(price), "1"] for price in bids], "lastUpdateId": str(last_id),
                               "timestamp": 1, "horizon": horizon}, separators=(",", ":"))

        def change(number, a=(), b=()):
            bridge.say(data=json.dumps({"u": number, "a": a, "b": b}, separators=(",", ":")))

        def held(client):
            return json.loads(client.last_book().split(" ", 3)[3])

        bridge, client = self.scripted("--book", stream=DEPTH)
        bridge.book = book(7, range(1_001, 1_251), range(2, 12), {"asks": "1250.0"})
        with bridge, client:
            bridge.wait_until(lambda: client.count(f"book {DEPTH} 0"), "a book")
            change(8, a=[["1250.5", "1"], ["9", "2"], ["1251", "0"]], b=[["1", "3"]])
            self.wait_until_printed(bridge, client)
            asked = len(bridge.books_asked)
            self.go_on_for(IMPATIENT_S, bridge)
            self.assertEqual(len(bridge.books_asked), asked, "251 are enough, and 10 of what is not cut")
            change(9, a=[["1001", "0"], ["1002", "0"]])  # 249: it asks, and the answer is no better
            bridge.book = book(9, [9, *range(1_003, 1_251)], range(1, 12), {"asks": "1250.0"})
            bridge.wait_until(lambda: client.count(f"book {DEPTH} 2"), "another book")
            asked = len(bridge.books_asked)
            for number in range(10, 30):  # messages alone are no reason to ask once more
                change(number, a=[["1003", "0"]])
                self.wait_until_printed(bridge, client)
            self.assertLess(len(bridge.books_asked), asked + 5)
            change(30)
            bridge.book = book(30, range(1_004, 2_004), range(1, 1_001), {"asks": "2003", "bids": "1"})
            bridge.wait_until(lambda: client.count(f"book {DEPTH} 23"), "one that reaches further")
            asked = len(bridge.books_asked)
            change(31, a=[["2004", "5"], ["2003", "5"], ["0.5", "5"]], b=[["0.9", "5"], ["1001", "5"]])
            self.wait_until_printed(bridge, client)
            self.go_on_for(IMPATIENT_S, bridge)
            self.assertEqual(len(bridge.books_asked), asked)
            self.assertEqual(client.stop(), 0)
        self.assertEqual(held(client)["asks"], [["0.5", "5"], *([str(price), "1"] for price in range(1_004, 2_003)),
                                                ["2003", "5"]])
        self.assertEqual(held(client)["bids"], [*([str(price), "1"] for price in range(1, 1_001)), ["1001", "5"]])

    def test_takes_what_is_live_between_the_messages_of_a_replay(self):
        bridge, client = self.scripted("--quiet", "100000")
        with bridge, client:
            bridge.wait_until(lambda: bridge.asked, "a first request")
            bridge.say()
            self.wait_until_printed(bridge, client)
            bridge.meanwhile = bridge.say
            bridge.say(is_lost=True)
            bridge.say()
            self.wait_until_printed(bridge, client)
            self.assertEqual(set(bridge.asked), {1, 2})

    def test_goes_on_without_a_replay_before_too_much_waits_for_it(self):
        bridge, client = self.scripted(is_hasty=True)
        with bridge, client:
            bridge.wait_until(lambda: bridge.asked, "a first request")
            bridge.say()
            self.wait_until_printed(bridge, client)
            bridge.answers = False
            bridge.say(is_lost=True)
            for _ in range(self.most_waiting):
                bridge.say()
            bridge.wait_until(lambda: 2 in bridge.asked, "a request for what is lost")
            self.assertEqual(len(client.printed), 1)
            bridge.say()
            bridge.wait_until(lambda: len(client.printed) >= self.most_waiting + 2 or not client.is_running,
                              "the rest")
            self.assertEqual([text for _, text in client.printed], bridge.texts[:1] + bridge.texts[2:])
            client.wait_for_line(f"lost {TRADE} 2 2$")
            self.assertEqual(client.count(f"lost {TRADE} "), 1)

    def test_asks_no_faster_than_the_bridge_answers(self):
        streams = [f"quiet.{number}" for number in range(150)]
        with Exchange() as exchange, self.bridge(exchange) as bridge, self.client(*streams):
            wait_until(lambda: self.metric(bridge, 'replays_total{result="unknown"}') >= len(streams),
                       "an answer for each stream")
            if IS_HEAVY:  # of a bridge that was held up a request is refused that came in time
                self.assertEqual(self.metric(bridge, 'replays_total{result="limited"}'), 0)

    def test_holds_its_book_though_sides_are_absent_or_null_and_changes_said_again(self):
        def change(number, **sides):
            exchange.publish(DEPTH, json.dumps({"e": "depth", "s": "SOL_USDC", "E": number,
                                                "U": number, "u": number, **sides}))

        with Exchange() as exchange, self.bridge(exchange):
            exchange.rate(500)
            with self.client(DEPTH) as client:
                client.wait_for_line(f"book {DEPTH} ")
                come_to_rest(exchange)
                number = int(exchange.book("SOL_USDC")["lastUpdateId"])
                change(number + 1, a=[["9999", "7"]])
                change(number + 2, a=[["9998", "1"]], b=None)
                change(number + 3, b=[["0.01", "7"]])
                change(number + 4, a=[["9998", "7"]], b=[["0.02", "7"]])
                change(number + 2, a=[["9998", "1"]], b=None)
                change(number + 5)
                newest = len(come_to_rest(exchange, [DEPTH]))
                wait_until(lambda: client.positions.get(DEPTH, (0, 0))[1] >= newest or
                           not client.is_running, "all to be printed")
                self.assertEqual(client.stop(), 0, client.lines)
        book = json.loads(client.last_book().split(" ", 3)[3])
        self.assertEqual(book["asks"][-2:], [["9998", "7"], ["9999", "7"]])
        self.assertEqual(book["bids"][:2], [["0.01", "7"], ["0.02", "7"]])

    def test_believes_its_book_no_more_once_the_exchange_counts_anew(self):
        with Exchange() as exchange, self.bridge(exchange):
            exchange.rate(500)
            with self.client(DEPTH) as client:
                client.wait_for_line(f"book {DEPTH} ")
                come_to_rest(exchange)
                for number in 1, 2:
                    exchange.publish(DEPTH, json.dumps({"e": "depth", "s": "SOL_USDC", "E": number,
                                                        "U": number, "u": number, "a": [], "b": []}))
                client.wait_for_line(f"gap {DEPTH} ")
                self.assertEqual(client.stop(), 0)
        self.assertEqual(client.count("bridge.book/"), 0, client.lines)

    def test_ends_with_all_that_was_said_though_it_is_killed_and_started_again_at_random(self):
        """Of every stream that the bridge carries, and while the exchange's connection ends again and
        again. What a service keeps is here what the consumer printed: it goes on from there."""
        streams = STREAMS + UNWANTED
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        rate, messages, seconds = (LONG_RATE, 0, LONG_S) if self.is_killed_for_long else (4_000, 8_000, 0)
        positions, kills, ends, ended = {}, 0, 0, 0
        self.settings["BRIDGE_PUBLISH__REPLAY_MESSAGES"] = str(4 * FAR_BEHIND)
        self.settings["BRIDGE_PUBLISH__SEND_HWM"] = "0"
        patience = 10 * DEADLINE  # with tens of thousands of messages, which are still to be read
        with (Exchange("--close-grace-ms", str(int(1_000 * patience))) as exchange,
              self.bridge(exchange) as bridge):
            ledger = Ledger(exchange, streams)
            begin = time.monotonic()
            while kills < 3 or ledger.count < messages or time.monotonic() < begin + seconds:
                self.let_move(exchange, rate)
                with self.client(*self.resumed(streams, positions)) as client:
                    behind = ledger.lacks(())
                    is_far_behind = behind > FAR_BEHIND  # the machine is too slow for all this
                    if is_far_behind:
                        exchange.rate(0)  # it must not get to what is no longer kept
                    most = behind if is_far_behind else chance.randrange(1, behind + rate // 2)
                    wait_until(lambda: ledger.look() or len(client.printed) >= most or not client.is_running,
                               f"{most} messages", patience, every=0.1)
                    self.let_move(exchange, rate)
                    if kills == 1 or chance.random() < 0.5:
                        self.wait_for_connection(exchange, ended)
                        ended = exchange.state()["connections"]
                        self.end_connection(exchange, chance, rate, patience)
                        ends += 1
                    client.send(signal.SIGKILL)
                    client.stop()
                kills += 1
                self.take_stock(ledger, client, positions)
            took = time.monotonic() - begin
            self.wait_for_connection(exchange, ended)
            self.let_move(exchange, rate)
            more(exchange, 1_000)  # of which the book is right
            exchange.come_to_rest(patience)
            with self.client(*self.resumed(streams, positions)) as client:
                wait_until(lambda: ledger.lacks(client.printed) == 0 or not client.is_running, "the rest",
                           patience, every=0.1)
                client.wait_for_line(f"book {DEPTH} ")
                self.assertEqual(client.stop(), 0, client.lines[-20:])
            self.take_stock(ledger, client, positions)
            self.check_book(exchange, client, positions)
            self.assertEqual(ledger.lacks(()), 0)
            reconnects = self.metric(bridge, "upstream_reconnects_total")
        self.assertEqual(reconnects, ends, [line for line in bridge.lines if "connect" in line])
        self.assertGreater(min(ledger.compared.values()), 100)
        compared = sum(ledger.compared.values())
        print(f"\n  {compared} messages of {len(streams)} streams in {took:.0f} s, {compared / took:.0f} a "
              f"second, {kills} kills, {ends} reconnects, seed {seed}", flush=True)

    @staticmethod
    def let_move(exchange, rate):
        """For a while: as long as a bridge is slower than the market, what waits for it grows."""
        exchange.rate(rate, messages=10 * rate)

    def take_stock(self, ledger, client, positions):
        self.assertEqual(client.faults, [])
        self.assertEqual(client.count("lost "), 0, client.lines)
        difference = ledger.compare(client.printed)
        self.assertIsNone(difference, client.lines[-20:])
        positions.update(client.positions)

    @staticmethod
    def wait_for_connection(exchange, ended):
        """Until it is one after the last that was ended, with all its streams."""
        wait_until(lambda: exchange.state()["connections"] > ended, "a reconnect", 10 * DEADLINE)
        exchange.wait_for_subscriptions(STREAMS + UNWANTED)

    @staticmethod
    def end_connection(exchange, chance, rate, patience):
        """In order, in the midst of messages; or without a word, after which what was on its way would
        be lost and the ledger tell of it all the same: nothing is, then."""
        if chance.random() < 0.5:
            exchange.fault("close", code=1012)
        else:
            exchange.come_to_rest(patience)
            exchange.fault("drop", reset=False)
            ClientTest.let_move(exchange, rate)

    @staticmethod
    def resumed(streams, positions):
        return [f"{stream}@{positions[stream][0]}:{positions[stream][1]}" if stream in positions
                else stream for stream in streams]

    def check_book(self, exchange, client, positions=None):
        """`positions`: where it may have had nothing to print."""
        topic, _, sequence, text = client.last_book().split(" ", 3)
        truth = exchange.book("SOL_USDC")
        self.assertEqual(topic, f"bridge.book/{DEPTH}")
        self.assertEqual(int(sequence), (positions or client.positions)[DEPTH][1])
        self.assertEqual(json.loads(text), {side: truth[side] for side in ("asks", "bids")})


class ListedBridge(Bridge):
    """Whose clients stand in a file."""

    def __init__(self, path, *arguments, **settings):
        self._path = path
        super().__init__(*arguments, **settings)

    def command(self):
        return [BRIDGE, "--config", self._path]


class EncryptedClientTest(ClientTest):
    """Of a client whose language has CURVE."""

    def admit(self, *keys):
        configuration = {"publish": {"public": {"curve": {"allow": list(keys)}}}}
        (self.directory / "bridge.json").write_text(json.dumps(configuration))

    def test_hears_nothing_until_the_bridge_lists_its_key_and_then_everything(self):
        key = self.settings.pop("BRIDGE_PUBLISH__PUBLIC__CURVE__ALLOW")
        self.admit("0" * 40)
        with Exchange() as exchange, \
                ListedBridge(self.directory / "bridge.json", exchange, STREAMS, **self.settings) as bridge:
            exchange.wait_for_subscriptions(STREAMS)
            with self.client() as client:
                refused = bridge.wait_for_line(r'refused endpoint=public .*reason=unknown_key key="?([^" ]{40})')
                self.assertEqual(refused[1], key)
                exchange.rate(500)
                client.wait_for_line("bridge silent")
                self.assertEqual((client.printed, client.count("bridge live")), ([], 0))
                self.admit("0" * 40, key)
                bridge.send(signal.SIGHUP)
                client.wait_for_line(f"book {DEPTH} ")
                self.wait_for_all(exchange, client)
                self.assertEqual(client.stop(), 0)
                self.check_book(exchange, client)


class PythonTest(EncryptedClientTest, AtOnce, unittest.TestCase):
    is_killed_for_long = True

    def command(self):
        return [sys.executable, CLIENTS / "python/consumer.py"]

    def hasty_command(self):
        script = self.directory / "hasty.py"
        script.write_text(self.hasty((CLIENTS / "python/consumer.py").read_text()))
        return [sys.executable, script]


class CppTest(EncryptedClientTest, AtOnce, unittest.TestCase):
    most_waiting = 100_000  # its own: one of the clients shows that it is what is written there

    def command(self):
        return [os.environ.get("BPX_CONSUMER", ROOT / "build/plain/tests/interop/consumer")]

    hasty_command = command


class NodeTest(EncryptedClientTest, AtOnce, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        npm.install(directory.name, "zeromq@6")
        # A module is looked for where the file lies that asks for it.
        cls.script = shutil.copy(CLIENTS / "node/consumer.js", directory.name)
        cls.hasty_script = pathlib.Path(directory.name, "hasty.js")
        cls.hasty_script.write_text(cls.hasty((CLIENTS / "node/consumer.js").read_text()))
        # As elsewhere, who prints waits until a pipe has taken it.
        cls.first = pathlib.Path(directory.name, "first.js")
        cls.first.write_text("process.stdout._handle.setBlocking(true);")

    def command(self):
        return ["node", "--require", self.first, self.script]

    def hasty_command(self):
        return ["node", "--require", self.first, self.hasty_script]


class JavaTest(ClientTest, AtOnce, unittest.TestCase):
    has_curve = False
    # The system's own: JeroMQ can only turn it on.
    keepalive_min = (int(pathlib.Path("/proc/sys/net/ipv4/tcp_keepalive_time").read_text()) - 1) // 60
    CLASS_PATH = "/usr/share/java/jeromq.jar:/usr/share/java/gson.jar"
    SHORT_LIVED = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]  # what costs least until it is worth more

    @classmethod
    def setUpClass(cls):
        if not shutil.which("javac"):
            raise unittest.SkipTest("no javac here: apt install default-jdk-headless")
        for jar in cls.CLASS_PATH.split(":"):
            if not os.path.exists(jar):
                raise unittest.SkipTest(
                    f"no {jar} here: apt install libjeromq-java libgoogle-gson-java")
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.classes = directory.name
        source = CLIENTS / "java/Consumer.java"
        hasty_source = pathlib.Path(cls.classes, "HastyConsumer.java")
        hasty_source.write_text(cls.hasty(source.read_text()).replace("class Consumer", "class HastyConsumer"))
        subprocess.run(["javac", *(f"-J{option}" for option in cls.SHORT_LIVED), "-Xlint:all", "-Werror",
                        "-cp", cls.CLASS_PATH, "-d", cls.classes, source, hasty_source], check=True, timeout=200)

    def command(self, name="Consumer"):
        return ["java", *self.SHORT_LIVED, "-cp", f"{self.classes}:{self.CLASS_PATH}", name]

    def hasty_command(self):
        return self.command("HastyConsumer")

    def test_says_that_it_cannot_read_an_encrypted_endpoint(self):
        done = subprocess.run([*self.command(), "tcp://127.0.0.1:1", TRADE, "--curve-server-key", "x"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("no CURVE", done.stderr)


if __name__ == "__main__":
    unittest.main()
