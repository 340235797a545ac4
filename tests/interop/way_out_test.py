"""Consumers of every age and temper: what each must get, whatever it is that it does not do.

BPX_HEAVY=1 waits as long as the troubles took that were seen with real consumers.
"""

import contextlib
import time
import unittest

from harness import IS_HEAVY, Bridge, Exchange
from raw_consumer import RawConsumer

STREAM = "trade.SOL_USDC"
# libzmq's handshake timer, which a peer of ZMTP 2 never stops, was at 5 s; its PINGs came each 10 s.
LONG_ENOUGH_S = 75 if IS_HEAVY else 12


class WayOutTest(unittest.TestCase):
    def assert_whole(self, messages):
        sequences = [message.sequence for message in messages if message.topic == STREAM]
        self.assertGreater(len(sequences), 0)
        self.assertEqual(sequences, list(range(sequences[0], sequences[0] + len(sequences))))

    def test_peers_of_zmtp_2_and_those_that_answer_no_ping_are_served_on_and_on(self):
        with Exchange() as exchange, Bridge(exchange, [STREAM]) as bridge, \
                contextlib.ExitStack() as all_of_them:
            exchange.wait_for_subscriptions([STREAM])
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
                self.assert_whole(messages)
                self.assertEqual(consumer.commands, [])
            self.assertEqual(bridge.metric("subscriber_departures_total", endpoint="public"), 0)
            self.assertEqual(bridge.metric("handshake_failures_total", endpoint="public"), 0)


if __name__ == "__main__":
    unittest.main()
