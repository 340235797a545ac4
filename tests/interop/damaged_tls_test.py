"""A byte that is altered on the way from the exchange: seen at once, and nothing of it published."""

import json
import unittest

from harness import Bridge, Consumer, Exchange
from tcp_proxy import TcpProxy

STREAMS = ["trade.SOL_USDC", "depth.SOL_USDC"]


class DamagedTlsTest(unittest.TestCase):
    def test_ends_the_connection_behind_the_last_record_that_is_whole(self):
        with Exchange() as exchange, TcpProxy(exchange.port) as proxy:
            url = exchange.url.replace(str(exchange.port), str(proxy.port))
            with Bridge(exchange, STREAMS, BRIDGE_UPSTREAM__URL=url) as bridge:
                consumer = self.enterContext(Consumer(bridge.public, STREAMS))
                exchange.wait_for_subscriptions(STREAMS)
                exchange.rate(20_000)  # many records come together: good ones before the bad one
                received = consumer.take(1)
                proxy.damage()
                while received[-1].connection == 1:
                    received += consumer.take(1) or self.fail("nothing more comes")
                statuses = [json.loads(message.payload) for message in consumer.status]
                end = next(status for status in statuses if status["event"] == "disconnected")
                bridge.wait_for_line("disconnected.*bad record mac.*; bytes were altered on the way")
                exchange.come_to_rest()
                sent = [text for text in exchange.everything_sent()
                        if text["stream"] in STREAMS and text["connection"] == 1]
        self.assertEqual(end["reason"], "protocol")
        first = [(message.topic, message.payload) for message in received[:-1]]
        self.assertEqual(first, [(each["stream"], each["text"]) for each in sent[:len(first)]])
        self.assertGreater(len(sent), len(first), "what came damaged was published")


if __name__ == "__main__":
    unittest.main()
