"""A byte that is altered on the way from the exchange: seen at once, and published is just what came before it."""

import itertools
import json
import unittest

from harness import Bridge, Consumer, Exchange, wait_until
from tcp_proxy import TcpProxy
from tls_records import TlsRecords

STREAMS = ["trade.SOL_USDC", "depth.SOL_USDC"]
FIRST_ON_CONNECTION = 4

_LONGEST_CONTROL_FRAME = 127  # bytes


def frame_size(text):
    """Of a server's frame: neither masked nor compressed."""
    size = len(text.encode())
    return size + (2 if size < 126 else 4 if size < 65536 else 10)


def control_frames(exchange):
    """Pings and answers to pings, as many as were sent at most: no ledger has them."""
    counters = exchange.state()["counters"]
    return counters["pings_sent"] + counters["pings_received"]


class Wire:
    """How many bytes the exchange has said on its first connection beyond a frame that has come."""

    def __init__(self, exchange, records):
        self._exchange = exchange
        self._records = records
        self._said = records.said
        self._frames = len(exchange.everything_sent())
        self._control_frames = control_frames(exchange)

    def frames(self):
        return [frame for frame in self._exchange.everything_sent()[self._frames:] if frame["connection"] == 1]

    def said(self):
        return self._records.said - self._said

    def slack(self):
        """A control frame may stand before any."""
        return (control_frames(self._exchange) - self._control_frames) * _LONGEST_CONTROL_FRAME

    def wait_for_damage(self):
        """Returns how many bytes had come whole by then, at least: the next connection has frames of its own."""
        wait_until(lambda: self._records.said_whole is not None, "a damaged record")
        return self._records.said_whole - self._said - self.slack()

    def ended_within(self, whole):
        """The messages that did."""
        frames = self.frames()
        ends = itertools.accumulate(frame_size(frame["text"]) for frame in frames)
        return [frame for frame, end in zip(frames, ends) if end <= whole and frame["stream"] in STREAMS]


def publish_and_take(exchange, consumer, data):
    exchange.publish(STREAMS[0], data)
    return consumer.take(1)


class DamagedTlsTest(unittest.TestCase):
    def test_ends_the_connection_behind_the_last_record_that_is_whole(self):
        connections = []

        def make_records():
            connections.append(TlsRecords())
            return connections[-1]

        with Exchange() as exchange, TcpProxy(exchange.port, make_records) as proxy:
            url = exchange.url.replace(str(exchange.port), str(proxy.port))
            with Bridge(exchange, STREAMS, BRIDGE_UPSTREAM__URL=url) as bridge:
                consumer = self.enterContext(Consumer(bridge.public, STREAMS))
                exchange.wait_for_subscriptions(STREAMS)
                wait_until(lambda: bridge.metric("ping_rtt_seconds") > 0, "the answer to the ping behind the request")
                received = publish_and_take(exchange, consumer, '{"first":1}')
                wire = Wire(exchange, connections[0])
                received += publish_and_take(exchange, consumer, '{"second":2}')
                said = wire.said() - sum(frame_size(frame["text"]) for frame in wire.frames())
                self.assertIn(said, range(wire.slack() + 1), "records are not counted right")
                exchange.rate(20_000)  # many records come together: good ones before the bad one
                received += consumer.take(1)
                proxy.damage()
                bytes_whole = wire.wait_for_damage()
                exchange.rate(500)  # which any bridge bears
                while {message.topic for message in received if message.connection == 2} != set(STREAMS):
                    received += consumer.take(1) or self.fail("nothing more comes")
                statuses = [json.loads(message.payload) for message in consumer.status]
                end = next(status for status in statuses if status["event"] == "disconnected")
                bridge.wait_for_line("disconnected.*bad record mac.*; bytes were altered on the way")
                exchange.come_to_rest()
                sent = [text for text in exchange.everything_sent()
                        if text["stream"] in STREAMS and text["connection"] == 1]
                whole = wire.ended_within(bytes_whole)
        self.assertEqual(end["reason"], "protocol")
        first = [(message.topic, message.payload) for message in received if message.connection == 1]
        self.assertEqual(first, [(each["stream"], each["text"]) for each in sent[:len(first)]])
        self.assertGreater(len(sent), len(first), "what came damaged was published")
        self.assertGreater(len(whole), 1, "nothing came whole before what was damaged")
        self.assertGreaterEqual(len(first), 1 + len(whole), "what came whole was not published")
        self.expect_to_go_on(received)

    def expect_to_go_on(self, received):
        for stream in STREAMS:
            messages = [message for message in received if message.topic == stream]
            self.assertEqual([message.sequence for message in messages], list(range(1, len(messages) + 1)))
            firsts = [next(message for message in messages if message.connection == connection)
                      for connection in (1, 2) if any(message.connection == connection for message in messages)]
            flagged = [message for message in messages if message.flags & FIRST_ON_CONNECTION]
            self.assertEqual(flagged, firsts)


if __name__ == "__main__":
    unittest.main()
