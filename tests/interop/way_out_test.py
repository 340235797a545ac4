"""Consumers of every age and temper: what each must get, whatever it is that it does not do.

BPX_HEAVY=1 waits as long as the troubles took that were seen with real consumers, and sends as much.
"""

import contextlib
import json
import pathlib
import struct
import time
import unittest

import hostile
import zmq
from at_once import AtOnce
from harness import (DEADLINE, IS_HEAVY, Bridge, BridgeWithFewFiles, Consumer, Exchange, free_port,
                     wait_until)
from raw_consumer import RawConsumer

STREAM = "trade.SOL_USDC"
LARGE = "trade.BTC_USDC"
# libzmq's handshake timer, which a peer of ZMTP 2 never stops, was at 5 s; its PINGs came each 10 s.
LONG_ENOUGH_S = 75 if IS_HEAVY else 12


def sub_socket(endpoint, topics, **options):
    """A consumer as its author may have set it up, whom nothing is known of yet."""
    socket = zmq.Context.instance().socket(zmq.SUB)
    socket.linger = 0
    for name, value in options.items():
        setattr(socket, name, value)
    for topic in topics:
        socket.subscribe(topic)
    socket.connect(endpoint)
    return contextlib.closing(socket)


def sequence_of(header):
    return struct.unpack_from("<Q", header, 16)[0]


class WayOutTest(AtOnce, unittest.TestCase):
    at_once = 1 if IS_HEAVY else 6

    @contextlib.contextmanager
    def bridge(self, streams=(STREAM,), make_bridge=Bridge, **settings):
        with Exchange() as exchange, make_bridge(exchange, list(streams), **settings) as bridge:
            exchange.wait_for_subscriptions(streams)
            yield exchange, bridge

    def assert_whole(self, sequences):
        sequences = list(sequences)
        self.assertGreater(len(sequences), 0)
        self.assertEqual(sequences, list(range(sequences[0], sequences[0] + len(sequences))))

    @staticmethod
    def consumers(bridge):
        return bridge.status()["consumers"]

    @staticmethod
    def address_of(connection):
        return "{}:{}".format(*connection.getsockname())

    def test_peers_of_zmtp_2_and_those_that_answer_no_ping_are_served_on_and_on(self):
        with self.bridge() as (exchange, bridge), contextlib.ExitStack() as all_of_them:
            consumers = [all_of_them.enter_context(RawConsumer(bridge.public, version,
                                                               [STREAM, "bridge.status"]))
                         for version in (2, 3)]
            for consumer in consumers:
                consumer.wait_for_heartbeat()
            exchange.rate(50)
            heard = {consumer: [] for consumer in consumers}
            end = time.monotonic() + LONG_ENOUGH_S
            while time.monotonic() < end:
                for consumer in consumers:
                    heard[consumer].append(consumer.take())
            for consumer, messages in heard.items():
                self.assert_whole(message.sequence for message in messages
                                  if message.topic == STREAM)
                self.assertEqual(consumer.commands, [], "it has nothing to say to that")
            self.assertEqual(bridge.metric("subscriber_departures_total", endpoint="public"), 0)
            self.assertEqual(bridge.metric("handshake_failures_total", endpoint="public"), 0)

    def test_who_pauses_with_a_small_queue_of_its_own_loses_nothing(self):
        large = json.dumps({"e": "trade", "t": 0, "x": "x" * 500_000})
        with self.bridge() as (exchange, bridge), \
                sub_socket(bridge.public, [STREAM], rcvhwm=10, rcvbuf=4_096, rcvtimeo=int(DEADLINE * 1000)) as consumer:
            wait_until(lambda: bridge.status()["streams"][0]["subscribers"] == 1, "its subscription")
            for _ in range(40):  # more than its own queue and the system hold for it
                exchange.publish(STREAM, large)
            exchange.rate(500 if IS_HEAVY else 5_000)  # one in 17 is a trade
            time.sleep(75 if IS_HEAVY else 0)
            wait_until(lambda: bridge.status()["streams"][0]["sequence"] > 150, "what comes behind that")
            exchange.come_to_rest()
            sent = sum(stream == STREAM for stream, _ in exchange.sent())
            wait_until(lambda: bridge.status()["streams"][0]["sequence"] == sent, "all of it")
            self.assertGreater(bridge.metric("queued_bytes"), 0, "nothing is kept for it")
            taken = [sequence_of(consumer.recv_multipart()[2]) for _ in range(sent)]
            self.assertEqual(taken, list(range(1, sent + 1)))

    def test_three_thousand_topics_come_back_with_a_new_bridge_and_are_seen_to(self):
        topics = [f"trade.A{number}_USDC" for number in range(3_000)]
        bind = f"tcp://127.0.0.1:{free_port()}"
        with Exchange() as exchange, sub_socket(bind, topics, sndhwm=0) as consumer:
            def are_all_known():
                consumer.poll(0)  # libzmq subscribes anew where its socket is looked at
                return [known["subscriptions"] for known in self.consumers(bridge)] == [len(topics)]

            for _ in range(2):
                with Bridge(exchange, [STREAM], BRIDGE_PUBLISH__PUBLIC__BIND=bind) as bridge:
                    wait_until(are_all_known, "all subscriptions")

    def test_who_stops_reading_large_messages_goes_before_the_queue_outgrows_its_bound(self):
        bound, count = (268_435_456, 20_000) if IS_HEAVY else (8_000_000, 2_500)
        text = json.dumps({"e": "trade", "t": 0, "x": "x" * 20_000})
        with self.bridge([LARGE], BRIDGE_PUBLISH__QUEUE_BYTES=str(bound)) as (exchange, bridge), \
                Consumer(bridge.public, [LARGE]) as healthy, \
                RawConsumer(bridge.public, 3, [LARGE]) as stalled:
            wait_until(lambda: bridge.status()["streams"][0]["subscribers"] == 2, "both to be there")
            most = 0
            messages = []
            before = hostile.resident_bytes(bridge.pid)
            for number in range(count):
                exchange.publish(LARGE, text)
                if number % 100 == 99:
                    messages += healthy.take(100)
                    most = max(most, bridge.metric("queued_bytes"))
            wait_until(lambda: not hostile.is_open(stalled.connection), "the end of who is behind")
            self.assertEqual([message.sequence for message in messages], list(range(1, count + 1)),
                             "who reads has seen a hole")
            self.assertEqual(bridge.metric("evicted_subscribers_total", endpoint="public"), 1)
            bridge.wait_for_line("evicted endpoint=public consumer="
                                 + self.address_of(stalled.connection))
            wait_until(lambda: bridge.metric("queued_bytes") == 0, "it is given back")
            grown = hostile.resident_bytes(bridge.pid) - before
            print(f"\n  of {bound / 1e6:.0f} MB {most / 1e6:.1f} waited at most; memory grew by "
                  f"{grown / 1e6:.1f} MB", flush=True)

    def test_more_consumers_than_descriptors_cost_neither_the_processor_nor_the_way_back(self):
        def few_files(*arguments, **settings):
            return BridgeWithFewFiles(48, *arguments, **settings)

        with self.bridge(make_bridge=few_files) as (exchange, bridge), \
                Consumer(bridge.public, [STREAM]) as first, contextlib.ExitStack() as crowd:
            for _ in range(80):
                crowd.enter_context(sub_socket(bridge.public, [""]))
            bridge.wait_for_line(r"turned away endpoint=public reason=crowded consumer=127\.0\.0\.1:\d+ ")
            exchange.rate(500)
            for connection in (2, 3):
                exchange.fault("drop")
                first.wait_for_status("disconnected")
                self.assertEqual(first.wait_for_status("connected")["connection"], connection)
                exchange.wait_for_subscriptions([STREAM])
                self.assertEqual(len(first.take(20)), 20, "who came first was turned away")
            self.assertGreater(bridge.metric("turned_away_total", endpoint="public",
                                             reason="crowded"), 0)
            begin, used = time.monotonic(), self.processor_s(bridge.pid)
            first.take(50)
            share = (self.processor_s(bridge.pid) - used) / (time.monotonic() - begin)
            print(f"\n  {share:.0%} of a processor", flush=True)
            if IS_HEAVY:
                self.assertLess(share, 0.3)

    def test_the_soft_limit_of_descriptors_is_raised_to_the_hard_one(self):
        def few_files(*arguments, **settings):
            return BridgeWithFewFiles("64:256", *arguments, **settings)

        with self.bridge(make_bridge=few_files) as (_exchange, bridge):
            self.assertRegex(bridge.get("/metrics")[1], r"(?m)^process_max_fds 256$")

    @staticmethod
    def processor_s(pid):
        user, system = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / 100

    def test_who_is_slow_is_named_in_the_log_and_shown_while_it_is(self):
        with self.bridge(BRIDGE_PUBLISH__SEND_HWM="2000",
                         BRIDGE_PUBLISH__REPLAY_MESSAGES="100") as (exchange, bridge), \
                Consumer(bridge.public, [STREAM]), \
                RawConsumer(bridge.public, 3, [STREAM, "bridge.status"]) as slow:
            address = self.address_of(slow.connection)

            def shown():
                return {consumer["address"]: consumer for consumer in self.consumers(bridge)}

            wait_until(lambda: shown().get(address, {}).get("subscriptions") == 2, "it is shown")
            self.assertFalse(shown()[address]["behind"])
            for _ in range(6):  # into what TCP holds of it, which a slow machine's market takes long to fill
                exchange.publish(STREAM, json.dumps({"x": "x" * 2_000_000}))
            exchange.rate(20_000, messages=100_000)
            bridge.wait_for_line(f"slow consumer endpoint=public consumer={address} behind=1")
            wait_until(lambda: shown()[address]["behind"], "it is behind")
            self.assertGreater(shown()[address]["unsent_bytes"], 0)
            self.assertGreaterEqual(bridge.metric("slow_subscriber_episodes_total",
                                                  endpoint="public"), 1)
            exchange.rate(0)
            slow.connection.settimeout(1)
            wait_until(lambda: hostile.is_open(slow.connection) and not shown()[address]["behind"],
                       "it has caught up")

    def test_sockets_of_another_kind_are_refused_and_disturb_nobody(self):
        kinds = (zmq.REQ, zmq.REP, zmq.DEALER, zmq.ROUTER, zmq.PUSH, zmq.PULL, zmq.PUB, zmq.PAIR)
        with self.bridge() as (exchange, bridge), Consumer(bridge.public, [STREAM]) as witness, \
                contextlib.ExitStack() as strangers:
            exchange.rate(1_000)
            before = hostile.resident_bytes(bridge.pid)
            for kind in kinds:
                stranger = strangers.enter_context(zmq.Context.instance().socket(kind))
                stranger.linger = 0
                stranger.connect(bridge.public)
            wait_until(lambda: bridge.metric("handshake_failures_total", endpoint="public")
                       >= len(kinds), "each is refused")
            self.assert_whole(message.sequence for message in witness.take(200))
            print(f"\n  {(hostile.resident_bytes(bridge.pid) - before) / 1e6:.1f} MB", flush=True)


if __name__ == "__main__":
    unittest.main()
