"""What README's table of failures says that a consumer sees, each failure provoked."""

import contextlib
import json
import unittest
import uuid

import zmq

from harness import DEADLINE, Bridge, Consumer, Exchange, Message, free_port, wait_until

REPLAY, GAP, FIRST, END = 1, 2, 4, 8
TRADE, TICKER, ORDERS = "trade.SOL_USDC", "ticker.SOL_USDC", "account.orderUpdate"


def trade(number, event_us=0):
    return json.dumps({"e": "trade", "t": number, **({"E": event_us} if event_us else {})})


class Reader:
    """A SUB socket of plain settings, but for those that are given. Used as a context manager."""

    def __init__(self, endpoint, *topics, **options):
        self._socket = zmq.Context.instance().socket(zmq.SUB)
        self._socket.linger = 0
        self._socket.rcvtimeo = int(DEADLINE * 1000)
        for name, value in options.items():
            setattr(self._socket, name, value)
        self._socket.connect(endpoint)
        for topic in topics:
            self._socket.subscribe(topic)

    def take(self):
        return Message.decode(*self._socket.recv_multipart())

    def take_until_subscribed(self):
        """Sequences of what waits here, and of what comes until all subscriptions are in force."""
        self._socket.subscribe("bridge.status")
        taken, heartbeats = [], 0
        while heartbeats < 2:  # in whatever order the subscriptions come, all have before the second
            message = self.take()
            if message.topic == "bridge.status":
                heartbeats += 1
            else:
                taken.append(message.sequence)
        self._socket.unsubscribe("bridge.status")
        return taken

    def take_next(self, stream):
        while (message := self.take()).topic != stream:
            pass
        return message

    def replay(self, stream, first):
        """What comes of it, and the sequence that its end tells."""
        topic = f"bridge.replay/{stream}/{first}/{uuid.uuid4()}"
        self._socket.subscribe(topic)
        messages = []
        while True:
            message = self.take()
            if message.topic != topic:
                continue  # live
            if message.flags & END:
                self._socket.unsubscribe(topic)
                return messages, message.sequence
            messages.append(message)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()


class MissNothingTest(unittest.TestCase):
    @contextlib.contextmanager
    def bridge(self, *streams, **settings):
        streams = list(streams or [TRADE])
        with Exchange() as exchange, Bridge(exchange, streams, **settings) as bridge:
            exchange.wait_for_subscriptions(streams)
            yield exchange, bridge

    def gaps(self, consumer):
        return [json.loads(message.payload) for message in consumer.status
                if json.loads(message.payload)["event"] == "gap"]

    def told(self, bridge, name):
        return bridge.metric(name, stream=TRADE)

    def test_bridge_restarted(self):
        bind = f"tcp://127.0.0.1:{free_port()}"
        with Exchange() as exchange:
            epochs = []
            with Consumer.before(bind, [TRADE]) as consumer:
                for number in 1, 7:
                    with Bridge(exchange, [TRADE], BRIDGE_PUBLISH__PUBLIC__BIND=bind) as bridge:
                        exchange.wait_for_subscriptions([TRADE])
                        self.wait_for_another_bridge(consumer, epochs)
                        exchange.publish(TRADE, trade(number))
                        message, = consumer.take(1)
                        # Nothing tells that 2 to 6 are missing but the ids themselves.
                        self.assertEqual((message.sequence, message.flags), (1, FIRST))
                        self.assertEqual(self.told(bridge, "sequence_gaps_total"), 0)
                        with Reader(bridge.public) as reader:
                            kept, newest = reader.replay(TRADE, 1)
                        self.assertEqual([again.payload for again in kept], [message.payload])
                        self.assertEqual(newest, 1)
                        epochs.append(message.epoch)
                self.assertEqual(self.gaps(consumer), [])
            self.assertNotEqual(*epochs)

    @staticmethod
    def wait_for_another_bridge(consumer, epochs):
        """Until its heartbeats come: the consumer has subscribed there."""
        consumer.wait_for_status("heartbeat")
        while consumer.status[-1].epoch in epochs:
            consumer.wait_for_status("heartbeat")

    def test_exchange_drops(self):
        with self.bridge(TRADE, TICKER) as (exchange, bridge), \
                Consumer(bridge.public, [TRADE, TICKER]) as consumer:
            def say(number):
                exchange.publish(TRADE, trade(number))
                exchange.publish(TICKER, "{}")
                return consumer.take(2)

            def reconnect():
                exchange.fault("drop")
                consumer.wait_for_status("connected")
                exchange.wait_for_subscriptions([TRADE, TICKER])

            self.assertEqual([message.flags for message in say(1)], [FIRST, FIRST])
            reconnect()
            seen = say(2)  # the ids prove that nothing was missed; a ticker has none
            self.assertEqual([message.flags for message in seen], [FIRST, FIRST])
            self.assertEqual([message.sequence for message in seen], [2, 2])
            reconnect()
            seen = say(6)
            self.assertEqual([message.flags for message in seen], [FIRST | GAP, FIRST])
            self.assertEqual([message.sequence for message in seen], [3, 3])
            consumer.take_until_heartbeat()
            (gap,) = self.gaps(consumer)
            self.assertEqual((gap["stream"], gap["expected"], gap["got"]), (TRADE, 3, 6))
            self.assertEqual(self.told(bridge, "sequence_gaps_total"), 1)
            self.assertEqual(self.told(bridge, "sequence_missing_total"), 3)
            self.assertEqual(bridge.metric("upstream_reconnects_total"), 2)
            with Reader(bridge.public) as reader:
                kept, _ = reader.replay(TRADE, 1)
            self.assertEqual([(message.connection, message.flags) for message in kept],
                             [(1, REPLAY | FIRST), (2, REPLAY | FIRST), (3, REPLAY | FIRST | GAP)])

    def test_exchange_skips(self):
        with self.bridge() as (exchange, bridge), Consumer(bridge.public, [TRADE]) as consumer:
            for number in 1, 2, 5, 5, 6:
                exchange.publish(TRADE, trade(number))
            self.assertEqual([message.flags for message in consumer.take(5)], [FIRST, 0, GAP, 0, 0])
            self.assertEqual(self.told(bridge, "sequence_missing_total"), 2)

    def test_exchange_repeats_several(self):
        with self.bridge() as (exchange, bridge), Consumer(bridge.public, [TRADE]) as consumer:
            for number in 1, 2, 3, 4, 5, 3, 4, 5, 6:
                exchange.publish(TRADE, trade(number))
            # Two old ones in a row may be a new count: too much is told rather than too little.
            self.assertEqual([message.flags for message in consumer.take(9)],
                             [FIRST, 0, 0, 0, 0, 0, GAP, 0, 0])
            self.assertEqual(self.told(bridge, "sequence_missing_total"), 0)

    def test_exchange_says_an_old_one_as_if_it_were_new(self):
        with self.bridge() as (exchange, bridge), Consumer(bridge.public, [TRADE]) as consumer:
            for number, event_us in (1, 11), (2, 12), (1, 13), (3, 14), (4, 15):
                exchange.publish(TRADE, trade(number, event_us))
            self.assertEqual([message.flags for message in consumer.take(5)], [FIRST, 0, GAP, 0, 0])
            self.assertEqual(self.told(bridge, "sequence_missing_total"), 0)

    def test_exchanges_engine_restarts(self):
        for is_later in True, False:
            with self.subTest(is_later=is_later), self.bridge() as (exchange, bridge), \
                    Consumer(bridge.public, [TRADE]) as consumer:
                exchange.publish(TRADE, trade(100, event_us=1_788_367_430_000_000))
                exchange.publish(TRADE, trade(1, event_us=1_788_367_430_000_000 + is_later))
                exchange.publish(TRADE, trade(2, event_us=1_788_367_430_000_000 + 2 * is_later))
                self.assertEqual([message.flags for message in consumer.take(3)],
                                 [FIRST, GAP, 0] if is_later else [FIRST, 0, GAP])
                consumer.take_until_heartbeat()
                (gap,) = self.gaps(consumer)
                self.assertEqual((gap["expected"], gap["got"]), (101, 1 if is_later else 2))
                self.assertEqual(self.told(bridge, "sequence_gaps_total"), 1)
                self.assertEqual(self.told(bridge, "sequence_missing_total"), 0, "nobody knows how many")

    def test_history_too_short(self):
        with self.bridge(BRIDGE_PUBLISH__REPLAY_MESSAGES="2") as (exchange, bridge), \
                Consumer(bridge.public, [TRADE]) as consumer, Reader(bridge.public) as reader:
            for number in range(1, 6):
                exchange.publish(TRADE, trade(number))
            consumer.take(5)
            kept, newest = reader.replay(TRADE, 1)
            self.assertEqual([message.sequence for message in kept], [4, 5])
            self.assertEqual(newest, 5)
            self.assertEqual(bridge.metric("replays_total", result="served"), 1)

    def test_message_beyond_the_history(self):
        with self.bridge(BRIDGE_PUBLISH__REPLAY_BYTES="20000") as (exchange, bridge), \
                Consumer(bridge.public, [TRADE]) as consumer, Reader(bridge.public) as reader:
            exchange.publish(TRADE, trade(1))
            exchange.publish(TRADE, json.dumps({"e": "trade", "t": 2, "x": "x" * 30_000}))
            exchange.publish(TRADE, trade(3))
            self.assertEqual([message.sequence for message in consumer.take(3)], [1, 2, 3])
            kept, newest = reader.replay(TRADE, 1)
            self.assertEqual(([message.sequence for message in kept], newest), ([3], 3))

    def test_private_endpoint(self):
        with self.bridge(ORDERS) as (exchange, bridge), \
                Consumer(bridge.private, [ORDERS]) as consumer, Consumer(bridge.public) as public, \
                Reader(bridge.private) as mine, Reader(bridge.public) as anybodys:
            exchange.publish(ORDERS, '{"e":"orderAccepted"}')
            message, = consumer.take(1)
            self.assertEqual(public.take_until_heartbeat(), [])
            self.assertEqual(anybodys.replay(ORDERS, 1), ([], 0))
            self.assertEqual(bridge.metric("replays_total", result="unknown"), 1)
            kept, newest = mine.replay(ORDERS, 1)
            self.assertEqual([(again.payload, again.sequence) for again in kept],
                             [(message.payload, message.sequence)])
            self.assertEqual(newest, 1)

    def test_evicted_for_what_waits_in_all(self):
        text = json.dumps({"e": "trade", "t": 0, "x": "x" * 20_000})
        with self.bridge(BRIDGE_PUBLISH__QUEUE_BYTES="4000000",
                         BRIDGE_PUBLISH__REPLAY_MESSAGES="5000") as (exchange, bridge), \
                Reader(bridge.public, TRADE, rcvhwm=1, rcvbuf=4_096) as behind:
            wait_until(lambda: bridge.status()["streams"][0]["subscribers"] == 1, "its subscription")
            said = 0

            def evicted():
                return bridge.metric("evicted_subscribers_total", endpoint="public")

            while not evicted():
                for _ in range(50):
                    exchange.publish(TRADE, text)
                said += 50
                self.assertLess(said, 3_000, "nobody had to go")
                wait_until(lambda: bridge.status()["streams"][0]["sequence"] == said, "all that was said")
            taken = behind.take_until_subscribed()
            exchange.publish(TRADE, text)
            said += 1
            while taken[-1] < said:
                taken.append(behind.take_next(TRADE).sequence)
            self.assertLess(len(taken), said, "nothing was lost")
            hole = next(after for before, after in zip(taken, range(1, said + 1)) if before != after)
            kept, newest = behind.replay(TRADE, hole)
            self.assertEqual(newest, said)
            # The answer counts among what waits: evicted again in its midst, it begins anew.
            self.assertEqual(sorted({message.sequence for message in kept}), list(range(hole, said + 1)))


if __name__ == "__main__":
    unittest.main()
