"""Consumers as enemies: what they do costs the bridge little, the other consumers nothing, and shows.

Every attack has a witness: a consumer that goes on all the while, and must see every message of the
exchange, in order, once. How late messages leave the bridge is printed, in quiet and under attack.
BPX_HEAVY=1 makes the crowds as large as they get in real life, and judges the times; elsewhere only
what never comes fails a test.
"""

import contextlib
import json
import random
import threading
import time
import unittest

import hostile
import zmq
from at_once import AtOnce
from harness import (BRIDGE, DEADLINE, IS_HEAVY, Bridge, BridgeWithFewFiles, Consumer, Exchange,
                     wait_until)

IS_SANITIZED = any(name in open(BRIDGE, "rb").read() for name in (b"__asan_init", b"__tsan_init"))
STREAMS = ["trade.SOL_USDC", "bookTicker.SOL_USDC", "depth.SOL_USDC"]
MB = 1_000_000
# What no attack may cost; a sanitizer makes taking in a flood ten times as slow.
STALL_MS = 20_000 if IS_SANITIZED else 2_000


def late_ms(messages):
    """How long after the exchange had made them messages left the bridge: p50, p99, the worst."""
    late = sorted((message.sent - message.event) / 1e6 for message in messages if message.event)
    return late[len(late) // 2], late[len(late) * 99 // 100], late[-1]


class Witness:
    """Takes everything that is published, on a thread of its own, while the `with` block runs."""

    def __init__(self, bridge):
        self.messages = []
        self.longest_silence_s = 0
        self._consumer = Consumer(bridge.public, STREAMS)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._take)

    def _take(self):
        heard = time.monotonic()
        with self._consumer as consumer:
            while not self._is_over.is_set():
                message = consumer.take(1)
                now = time.monotonic()
                self.longest_silence_s = max(self.longest_silence_s, now - heard)
                heard = now
                self.messages += message

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join()

    def wait_for(self, count):
        """The next `count` messages."""
        begin = len(self.messages)
        wait_until(lambda: len(self.messages) >= begin + count, f"{count} messages")
        return self.messages[begin:]


class Replayer:
    """A consumer that asks for the newest message of a stream, as often as it takes to get it."""

    def __init__(self, endpoint):
        self._asked = 0
        self._socket = zmq.Context.instance().socket(zmq.SUB)
        self._socket.linger = 0
        self._socket.subscribe("bridge.status")
        self._socket.connect(endpoint)
        assert self._socket.poll(DEADLINE * 1000), f"no heartbeat within {DEADLINE} s"
        self._socket.recv_multipart()
        self._socket.unsubscribe("bridge.status")

    def replay_s(self, stream):
        """How long it takes; a request that may have been refused is made again after a second."""
        begin = time.monotonic()
        topics = []
        try:
            while time.monotonic() < begin + DEADLINE:
                self._asked += 1
                topics.append(f"bridge.replay/{stream}/last/mine.{self._asked}")
                self._socket.subscribe(topics[-1])
                if self._socket.poll(1_000):
                    return time.monotonic() - begin
        finally:
            for topic in topics:
                self._socket.unsubscribe(topic)
            while self._socket.poll(0):
                self._socket.recv_multipart()
        raise AssertionError(f"no replay within {DEADLINE} s")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()


class HostileConsumersTest(AtOnce, unittest.TestCase):
    at_once = 1 if IS_HEAVY else 3

    @contextlib.contextmanager
    def under_attack(self, make_bridge=Bridge, rate=500, also=(), prepare=lambda *_: None,
                     **settings):
        """A bridge that has just been quiet. When the block ends, the witness has seen it all.
        `also`: streams that it carries and the witness does not listen to. `prepare(exchange,
        bridge)` comes first of all."""
        streams = [*STREAMS, *also]
        with Exchange() as exchange, make_bridge(exchange, streams, **settings) as bridge:
            exchange.wait_for_subscriptions(streams)
            prepare(exchange, bridge)
            with Witness(bridge) as witness:
                exchange.rate(rate)
                witness.wait_for(20)
                quiet = witness.wait_for(150)
                begin = len(witness.messages)
                yield exchange, bridge, witness
                witness.wait_for(50)
            attacked = witness.messages[begin:]
            self.assert_complete(witness.messages)
            self.report(quiet, attacked)
            self.assertEqual(bridge.get("/livez")[0], 200)

    def assert_complete(self, messages):
        sequences = {}
        for message in messages:
            expected = sequences.get(message.topic, message.sequence - 1) + 1
            self.assertEqual(message.sequence, expected, f"a hole in {message.topic}")
            sequences[message.topic] = message.sequence

    def report(self, quiet, attacked):
        quiet_ms, attacked_ms = late_ms(quiet), late_ms(attacked)
        figures = " ".join(f"{name} {before:.2f}→{after:.2f} (×{after / before:.1f})"
                           for name, before, after in
                           zip(("p50", "p99", "worst"), quiet_ms, attacked_ms))
        print(f"\n  {self.id().rpartition('.')[2]}: late by ms, quiet→attacked: {figures}", flush=True)
        if not IS_HEAVY:
            return
        if not IS_SANITIZED:
            self.assertLess(attacked_ms[0], max(quiet_ms[0] * 20, 50), "the usual message is late")
            self.assertLess(attacked_ms[1], max(quiet_ms[1] * 20, 500), "messages are late")
        self.assertLess(attacked_ms[2], STALL_MS, "messages stood still")

    def wait_for_metric(self, bridge, at_least, name, **labels):
        def has_come():
            with contextlib.suppress(ConnectionError):  # file descriptors may be scarce for a moment
                return bridge.metric(name, **labels) >= at_least
            return False
        wait_until(has_come, f"{name} {labels} of at least {at_least}")

    @contextlib.contextmanager
    def within_memory(self, bridge, bound, what):
        before = hostile.resident_bytes(bridge.pid)
        yield
        grown = hostile.resident_bytes(bridge.pid) - before
        print(f"\n  {self.id().rpartition('.')[2]}: {grown / MB:.1f} MB for {what}", flush=True)
        if not IS_SANITIZED:
            self.assertLess(grown, bound)

    def test_random_bytes_are_dropped_and_counted(self):
        noise = random.Random(1)
        request = b"GET / HTTP/1.1\r\nHost: localhost:5555\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"
        # What does not begin like a greeting may read like a peer of ZMTP 1: that goes when it likes.
        kinds = (("noise", b"", True, False), ("a signature", b"\xff", True, True),
                 ("a request of HTTP", request, False, False), ("a greeting", hostile.GREETING, True, True))
        with self.under_attack() as (_exchange, bridge, _witness), \
                self.within_memory(bridge, 30 * MB, "75 connections of noise at a time"):
            for kind, begin, is_followed, is_cut_off in kinds:
                counted = bridge.metric("handshake_failures_total", endpoint="public")
                with self.subTest(kind), hostile.crowd(bridge.public, 75) as connections:
                    for connection in connections:
                        rest = noise.randbytes(noise.randrange(64, 5_000)) if is_followed else b""
                        with contextlib.suppress(OSError):
                            connection.sendall(begin + rest)
                    if is_cut_off:
                        wait_until(lambda: not any(map(hostile.is_open, connections)), "all are cut off")
                self.wait_for_metric(bridge, counted + 75, "handshake_failures_total", endpoint="public")

    def test_half_open_connections_are_cut_off_and_counted(self):
        with self.under_attack() as (_exchange, bridge, _witness), \
                self.within_memory(bridge, 30 * MB, "500 half-open connections"), \
                hostile.crowd(bridge.public, 500, lambda c: c.sendall(hostile.GREETING[:11])) as connections:
            self.wait_for_metric(bridge, len(connections), "handshake_failures_total",
                                 endpoint="public")
            wait_until(lambda: not any(map(hostile.is_open, connections)), "all are cut off")
            wait_until(lambda: bridge.metric("subscribers", endpoint="public") == 1,
                       "they are counted no more")

    def test_who_stops_in_the_midst_of_a_handshake_keeps_nobody_away(self):
        with Exchange() as exchange, BridgeWithFewFiles(128, exchange, STREAMS) as bridge, \
                hostile.crowd(bridge.public, 120, lambda c: c.sendall(hostile.GREETING)):
            exchange.wait_for_subscriptions(STREAMS)
            self.wait_for_metric(bridge, 1, "turned_away_total", endpoint="public", reason="crowded")
            with Consumer(bridge.public) as friend:
                exchange.rate(100)
                self.assertEqual(len(friend.take(5)), 5)

    def test_a_crowd_of_consumers_costs_memory_in_proportion(self):
        size = 1_500
        with self.under_attack() as (_exchange, bridge, _witness), \
                self.within_memory(bridge, size * 40_000, f"{size} consumers"), \
                hostile.crowd(bridge.public, size, hostile.introduce) as connections:
            self.assertEqual(len(connections), size)
            self.wait_for_metric(bridge, size + 1, "subscribers", endpoint="public")
            with Consumer(bridge.public) as newcomer:
                self.assertEqual(len(newcomer.take(5)), 5)

    def test_a_crowd_beyond_the_bound_is_turned_away_and_those_before_it_stay(self):
        size = 10_000 if IS_HEAVY else 3_000
        with self.under_attack() as (_exchange, bridge, witness), \
                self.within_memory(bridge, 2_500 * 40_000, f"{size} connections"), \
                hostile.crowd(bridge.public, size, hostile.introduce):
            self.wait_for_metric(bridge, 500, "turned_away_total", endpoint="public",
                                 reason="crowded")
            wait_until(lambda: bridge.metric("subscribers", endpoint="public") <= 2_000,
                       "the crowd is within the bound")
            witness.wait_for(50)

    def test_a_crowd_does_not_keep_the_bridge_from_coming_back_to_the_exchange(self):
        def few_files(*arguments, **settings):
            return BridgeWithFewFiles(128, *arguments, **settings)

        with Exchange() as exchange, few_files(exchange, STREAMS) as bridge, \
                Consumer(bridge.public) as consumer:
            exchange.wait_for_subscriptions(STREAMS)
            exchange.rate(200)
            self.assertEqual(len(consumer.take(50)), 50)
            with self.besieged(bridge):
                self.wait_for_metric(bridge, 1, "turned_away_total", endpoint="public",
                                     reason="crowded")
                for connection in (2, 3, 4):
                    exchange.fault("drop")
                    consumer.wait_for_status("disconnected")
                    self.assertEqual(consumer.wait_for_status("connected")["connection"], connection)
                    exchange.wait_for_subscriptions(STREAMS)
                    messages = consumer.take(50)
                    self.assertEqual(len(messages), 50, "an old consumer was turned away")
                    self.wait_for_metric(bridge, 1, "upstream_connected")
            bridge.wait_for_line("turned away endpoint=public reason=crowded")
            with Consumer(bridge.public) as newcomer:
                self.assertEqual(len(newcomer.take(5)), 5)

    @contextlib.contextmanager
    def besieged(self, bridge):
        """Consumers that come, are turned away, and come again, for as long as the block lasts."""
        is_over = threading.Event()

        def besiege():
            while not is_over.is_set():
                with hostile.crowd(bridge.public, 300):
                    is_over.wait(0.2)

        thread = threading.Thread(target=besiege)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def test_who_subscribes_without_end_is_turned_away(self):
        count = 2_000_000 if IS_HEAVY else 100_000
        with self.under_attack() as (_exchange, bridge, _witness), \
                self.within_memory(bridge, 200 * MB, f"up to {count} subscriptions"):
            with hostile.connect(bridge.public) as connection:
                hostile.send_until_cut_off(hostile.shake_hands(connection), (b"".join(
                    hostile.subscription(f"unheard.of.{number:012}".encode())
                    for number in range(begin, begin + 1_000)) for begin in range(0, count, 1_000)))
                address = "{}:{}".format(*connection.getsockname())
                self.wait_for_metric(bridge, 1, "turned_away_total", endpoint="public",
                                     reason="subscriptions")
            wait_until(lambda: bridge.metric("subscribers", endpoint="public") == 1,
                       "it is gone")
            self.assertGreater(bridge.metric("consumer_requests_total", endpoint="public",
                                           kind="subscribe"), 2_000)
            bridge.wait_for_line("turned away endpoint=public reason=subscriptions consumer=" + address)

    def test_neither_a_flood_of_subscriptions_nor_of_replays_keeps_anothers_replay_waiting(self):
        floods = {"names": (b"%x", 1_000_000 if IS_HEAVY else 300_000),
                  "replays": (b"bridge.replay/trade.SOL_USDC/1/%x", 10_000)}
        for kind, (topic, count) in floods.items():
            requests = [hostile.subscription(topic % number) for number in range(count)]
            with self.subTest(kind), self.under_attack() as (_exchange, bridge, _witness), \
                    Replayer(bridge.public) as replayer, hostile.connect(bridge.public) as enemy:
                hostile.shake_hands(enemy)
                attack = threading.Thread(target=hostile.send_until_cut_off, args=(enemy, [
                    b"".join(requests[begin:begin + 1_000]) for begin in range(0, count, 1_000)]))
                attack.start()
                slowest = 0
                while attack.is_alive():
                    slowest = max(slowest, replayer.replay_s("trade.SOL_USDC"))
                slowest = max(slowest, replayer.replay_s("trade.SOL_USDC"))
                print(f"\n  {kind}: a replay took at most {slowest * 1e3:.0f} ms", flush=True)
                if IS_HEAVY:
                    self.assertLess(slowest, 5)
                self.wait_for_metric(bridge, 2_000, "consumer_requests_total", endpoint="public",
                                     kind="subscribe")

    def test_replays_of_large_messages_that_nobody_takes_wait_within_the_bound(self):
        large, count, kept = "trade.BTC_USDC", 1_000, 64 << 20

        def fill_history(exchange, bridge):
            for number in range(count):
                exchange.publish(large, json.dumps({"e": "trade", "t": number, "x": "x" * 60_000}))
            self.wait_for_metric(bridge, count, "received_messages_total", stream=large)

        with self.under_attack(also=[large], prepare=fill_history,
                               BRIDGE_PUBLISH__REPLAY_BYTES=str(kept)) as \
                (_exchange, bridge, witness), contextlib.ExitStack() as enemies:
            attackers = [hostile.shake_hands(enemies.enter_context(hostile.connect(bridge.public)))
                         for _ in range(4)]
            witness.longest_silence_s = 0
            with self.within_memory(bridge, kept + 40 * MB, "replays of large messages unread"):
                for number in range(300):
                    for who, attacker in enumerate(attackers):
                        attacker.sendall(hostile.subscription(
                            f"bridge.replay/{large}/1/{who}.{number}".encode()))
                    time.sleep(0.01)
                witness.wait_for(100)
            print(f"\n  the witness heard nothing for {witness.longest_silence_s * 1e3:.0f} ms at "
                  "most", flush=True)
            self.wait_for_metric(bridge, kept / 2, "replay_backlog_bytes")
            with Replayer(bridge.public) as friend:
                took = friend.replay_s(large)
                print(f"\n  a friend's replay took {took * 1e3:.0f} ms", flush=True)
            enemies.close()
            wait_until(lambda: bridge.metric("replay_backlog_bytes") == 0, "it is given back")

    def test_nobody_ends_what_another_listens_to(self):
        with Exchange() as exchange, Bridge(
                exchange, ["trade.SOL_USDC"], BRIDGE_UPSTREAM__ON_DEMAND__ENABLED="true",
                BRIDGE_UPSTREAM__ON_DEMAND__ALLOW="trade.*",
                BRIDGE_UPSTREAM__ON_DEMAND__LINGER_MS="10") as bridge, \
                Consumer(bridge.public, ["trade.BTC_USDC"]), hostile.connect(bridge.public) as enemy:
            hostile.shake_hands(enemy)
            exchange.wait_for_subscriptions(["trade.BTC_USDC"])
            enemy.sendall(hostile.unsubscription(b"trade.BTC_USDC") * 100 +
                          hostile.subscription(b"trade.SOL_USDC_PERP"))
            exchange.wait_for_subscriptions(["trade.SOL_USDC_PERP"])
            enemy.sendall(hostile.unsubscription(b"trade.SOL_USDC_PERP"))
            wait_until(lambda: "trade.SOL_USDC_PERP" not in exchange.state()["subscriptions"],
                       "the end of what it began itself")
            self.assertIn("trade.BTC_USDC", exchange.state()["subscriptions"])

    def test_who_gives_up_what_it_never_had_is_turned_away_all_the_same(self):
        with self.under_attack() as (_exchange, bridge, _witness), \
                self.within_memory(bridge, 60 * MB, "what one consumer may subscribe to"), \
                hostile.connect(bridge.public) as connection:
            hostile.send_until_cut_off(hostile.shake_hands(connection), (
                hostile.subscription(b"%0400d" % number) +
                hostile.unsubscription(b"%0400d" % (number + 10_000)) for number in range(4_000)))
            self.wait_for_metric(bridge, 1, "turned_away_total", endpoint="public",
                                 reason="subscriptions")

    def test_consumers_of_old_are_bounded_and_end_nobodys_interest(self):
        for revision in (1, 2):
            with self.subTest(revision=revision), self.under_attack(
                    BRIDGE_UPSTREAM__ON_DEMAND__ENABLED="true",
                    BRIDGE_UPSTREAM__ON_DEMAND__ALLOW="trade.*",
                    BRIDGE_UPSTREAM__ON_DEMAND__LINGER_MS="10") as (exchange, bridge, _witness), \
                    Consumer(bridge.public, ["trade.BTC_USDC"]), \
                    hostile.connect(bridge.public) as enemy:
                exchange.wait_for_subscriptions(["trade.BTC_USDC"])
                hostile.shake_hands_as_of_old(enemy, revision)
                enemy.sendall(hostile.frame_of_old(b"\1trade.SOL_USDC_PERP", revision) +
                              hostile.frame_of_old(b"\1trade.BTC_USDC", revision) +
                              hostile.frame_of_old(b"\0trade.BTC_USDC", revision) * 10)
                exchange.wait_for_subscriptions(["trade.SOL_USDC_PERP"])
                with self.within_memory(bridge, 120 * MB, "what all of old may subscribe to"):
                    hostile.send_until_cut_off(enemy, (
                        hostile.frame_of_old(b"\1%0200d" % number, revision) for number in range(40_000)))
                self.wait_for_metric(bridge, 1, "turned_away_total", endpoint="public",
                                     reason="subscriptions")
                wait_until(lambda: "trade.SOL_USDC_PERP" not in exchange.state()["subscriptions"],
                           "the end of what it began itself")
                self.assertIn("trade.BTC_USDC", exchange.state()["subscriptions"])
                self.assertEqual([stream["subscribers"] for stream in bridge.status()["on_demand"]],
                                 [1])

    def test_who_comes_and_goes_without_end_does_not_fill_the_log(self):
        with Exchange() as exchange, \
                Bridge(exchange, ["trade.SOL_USDC", "trade.SOL_USDC_PERP"]) as bridge, \
                hostile.connect(bridge.public) as enemy:
            hostile.shake_hands(enemy)
            began = time.monotonic()
            enemy.sendall((hostile.subscription(b"trade.SOL_USDC") +
                           hostile.unsubscription(b"trade.SOL_USDC")) * 1_000)
            self.wait_for_metric(bridge, 1_000, "consumer_requests_total", endpoint="public",
                                 kind="unsubscribe")
            bridge.stop()
            self.assert_a_hundred_a_minute(bridge, began, "prefix subscription topic=", "many prefix subscriptions")

    def test_each_who_gets_more_than_it_names_is_told_of_once(self):
        with Exchange() as exchange, \
                Bridge(exchange, ["trade.SOL_USDC", "trade.SOL_USDC_PERP"]) as bridge, \
                contextlib.ExitStack() as consumers:
            for count in range(1, 4):
                consumer = consumers.enter_context(hostile.connect(bridge.public))
                hostile.shake_hands(consumer)
                consumer.sendall(hostile.subscription(b"trade.SOL_USDC") * 3)
                self.wait_for_metric(bridge, 3 * count, "consumer_requests_total", endpoint="public",
                                     kind="subscribe")
            bridge.stop()
            self.assertEqual(sum("prefix subscription topic=" in line for line in bridge.lines), 3)

    def test_who_wants_streams_without_end_does_not_fill_the_log(self):
        wanted = [f"trade.A{number}" for number in range(500)]
        with Exchange() as exchange, Bridge(
                exchange, ["trade.SOL_USDC"], BRIDGE_UPSTREAM__ON_DEMAND__ENABLED="true",
                BRIDGE_UPSTREAM__ON_DEMAND__ALLOW="trade.*",
                BRIDGE_UPSTREAM__ON_DEMAND__LINGER_MS="0") as bridge, \
                hostile.connect(bridge.public) as enemy:
            hostile.shake_hands(enemy)
            began = time.monotonic()
            for request in (hostile.subscription, hostile.unsubscription):
                enemy.sendall(b"".join(request(stream.encode()) for stream in wanted))
                is_there = request is hostile.subscription
                wait_until(lambda: len(bridge.status()["on_demand"]) == is_there * len(wanted),
                           "all streams on demand to come or to go")
            bridge.stop()
            self.assert_a_hundred_a_minute(bridge, began, "wanted on demand", "changes on demand")

    def assert_a_hundred_a_minute(self, bridge, began, one, many):
        """Lines with `one`, and one with `many` for all the others, in each minute that the machine took for it."""
        minutes = 1 + int((time.monotonic() - began) / 60)
        told, cut_off = (sum(text in line for line in bridge.lines) for text in (one, many))
        self.assertIn(told, range(100, 100 * minutes + 1))
        self.assertIn(cut_off, range(1, minutes + 1))

    def test_names_made_up_keep_nobodys_streams_away(self):
        with Exchange() as exchange, Bridge(
                exchange, ["trade.SOL_USDC"], BRIDGE_UPSTREAM__ON_DEMAND__ENABLED="true",
                BRIDGE_UPSTREAM__ON_DEMAND__ALLOW="trade.*") as bridge, \
                zmq.Context.instance().socket(zmq.SUB) as friend, \
                hostile.connect(bridge.public) as enemy:
            exchange.wait_for_subscriptions(["trade.SOL_USDC"])
            exchange.rate(100)
            friend.connect(bridge.public)
            hostile.shake_hands(enemy)
            enemy.sendall(b"".join(hostile.subscription(b"trade.X%d_USDC" % number)
                                   for number in range(2_000)))
            self.wait_for_metric(bridge, 1_500, "on_demand_refused_total")
            self.assertEqual(len(bridge.status()["on_demand"]), 500)
            bridge.wait_for_line("not wanted on demand")
            asked = time.monotonic()
            friend.subscribe("trade.BTC_USDC")
            exchange.wait_for_subscriptions(["trade.BTC_USDC"])
            print(f"\n  asked for after {time.monotonic() - asked:.2f} s", flush=True)
            names = ["trade.SOL_USDC", "trade.BTC_USDC"]
            with Consumer(bridge.public) as consumer:
                self.assertEqual(len(consumer.take(5)), 5)
                exchange.fault("drop")
                dropped = time.monotonic()
                consumer.wait_for_status("connected")
                exchange.wait_for_subscriptions(names)
                back_s = time.monotonic() - dropped
            print(f"\n  back after {back_s:.2f} s", flush=True)
            if IS_HEAVY:
                self.assertLess(sum(stream["state"] == "rejected" for stream in
                                    bridge.status()["on_demand"]), 400, "names are still to be judged")

    def test_names_that_never_say_a_word_leave_nothing_behind(self):
        bound, at_once, of_one = 10_000, 1_600, 400  # what is carried unasked; less than may be wanted
        with Exchange() as exchange, Bridge(
                exchange, ["trade.SOL_USDC"], BRIDGE_UPSTREAM__ON_DEMAND__ENABLED="true",
                BRIDGE_UPSTREAM__ON_DEMAND__ALLOW="trade.*",
                BRIDGE_UPSTREAM__ON_DEMAND__LINGER_MS="100") as bridge:
            exchange.wait_for_subscriptions(["trade.SOL_USDC"])
            exchange.rate(100)
            for begin in range(0, bound + at_once, at_once):
                with contextlib.ExitStack() as enemies:
                    for first in range(begin, begin + at_once, of_one):
                        enemy = enemies.enter_context(hostile.connect(bridge.public))
                        hostile.shake_hands(enemy)
                        enemy.sendall(b"".join(hostile.subscription(b"trade.X%d_USDC" % number)
                                               for number in range(first, first + of_one)))
                    wait_until(lambda: len(bridge.status()["on_demand"]) == at_once, "all are wanted")
                wait_until(lambda: not bridge.status()["on_demand"], "none is wanted any more")
            with Consumer(bridge.public, ["trade.BTC_USDC"]) as friend:
                self.assertEqual(len(friend.take(5)), 5)
            self.assertEqual(bridge.metric("malformed_messages_total"), 0)

    def test_a_subscription_of_a_megabyte_ends_its_connection(self):
        with self.under_attack() as (_exchange, bridge, _witness), \
                self.within_memory(bridge, 20 * MB, "20 subscriptions of a megabyte"):
            before = bridge.metric("subscriber_departures_total", endpoint="public")
            for _ in range(20):
                with hostile.connect(bridge.public) as connection, \
                        contextlib.suppress(ConnectionError):
                    hostile.shake_hands(connection)
                    connection.sendall(hostile.subscription(b"x" * MB))
                    wait_until(lambda: not hostile.is_open(connection), "the connection's end")
            self.wait_for_metric(bridge, before + 20, "subscriber_departures_total",
                                 endpoint="public")
            wait_until(lambda: bridge.metric("subscribers", endpoint="public") == 1,
                       "all are gone")

    def test_a_subscription_in_tiny_pieces_takes_effect_and_disturbs_nobody(self):
        with self.under_attack() as (_exchange, bridge, _witness), \
                hostile.connect(bridge.public) as connection:
            hostile.shake_hands(connection)
            for byte in hostile.subscription(b"bridge.status"):
                connection.sendall(bytes([byte]))
                time.sleep(0.02)
            self.assertIn(b"bridge.status", hostile.receive_exactly(connection, 20))

    def test_words_that_mean_nothing_are_counted(self):
        with self.under_attack() as (_exchange, bridge, _witness), \
                hostile.connect(bridge.public) as connection:
            hostile.shake_hands(connection)
            connection.sendall(b"".join(hostile.frame(b"\x07nothing") for _ in range(5_000)))
            self.wait_for_metric(bridge, 5_000, "consumer_requests_total", endpoint="public",
                                 kind="other")
            self.assertTrue(hostile.is_open(connection))

    def test_who_never_reads_loses_messages_alone(self):
        with self.under_attack(rate=2_000, BRIDGE_PUBLISH__SEND_HWM="5000") as \
                (_exchange, bridge, witness), \
                self.within_memory(bridge, 120 * MB, "20 consumers that never read"), \
                hostile.crowd(bridge.public, 20, hostile.shake_hands) as connections:
            for connection in connections:
                connection.sendall(hostile.subscription(b""))
            begin = len(witness.messages)
            while bridge.metric("slow_subscriber_episodes_total", endpoint="public") < 1:
                witness.wait_for(200)
                self.assertLess(len(witness.messages) - begin, 100_000, "the queue is never full")

    def test_slow_clients_of_http_keep_nobody_away(self):
        with self.under_attack() as (_exchange, bridge, _witness), \
                self.within_memory(bridge, 20 * MB, "400 slow clients of HTTP"), \
                hostile.crowd(bridge.http, 400, lambda c: c.sendall(b"GET /status HTTP/1.1\r\n")) as \
                connections:
            slowest = 0
            for _ in range(20):
                for connection in connections:
                    with contextlib.suppress(OSError):
                        connection.sendall(b"X")
                asked = time.monotonic()
                self.assertEqual(bridge.get("/readyz")[0], 200)
                slowest = max(slowest, time.monotonic() - asked)
            print(f"\n  /readyz took at most {slowest * 1e3:.0f} ms", flush=True)
            if IS_HEAVY:
                self.assertLess(slowest, 3)
            self.wait_for_metric(bridge, 300, "http_refused_total", reason="crowded")
            self.wait_for_metric(bridge, 1, "http_refused_total", reason="slow")


if __name__ == "__main__":
    unittest.main()
