"""SIGHUP: what the configuration file says may come into force while the bridge runs."""

import os
import tempfile
import unittest

from configured_bridge import ConfiguredBridge
from harness import KEYS, Consumer, Exchange, wait_until

TRADE, DEPTH, QUOTES = "trade.SOL_USDC", "depth.SOL_USDC", "bookTicker.SOL_USDC"
ORDERS = "account.orderUpdate"
LASTING = "depth.SOL_USDC_PERP"


class ReloadTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, "bridge.json")

    def bridge(self, exchange, streams, **settings):
        return ConfiguredBridge(exchange, streams, self.path, **settings)

    def wait_for(self, exchange, bridge, streams):
        def are_subscribed_to():
            subscribed = set(exchange.state()["subscriptions"])
            return subscribed >= set(streams) and subscribed.isdisjoint({TRADE, DEPTH, QUOTES, ORDERS} - set(streams))
        wait_until(are_subscribed_to, f"subscriptions to {streams} and to no other")
        wait_until(lambda: bridge.get("/readyz")[0] == 200, "a bridge that is ready")
        self.assertEqual({stream["name"] for stream in bridge.status()["streams"]}, set(streams))

    def test_streams_come_and_go_while_the_connection_and_the_others_stay(self):
        with Exchange() as exchange, self.bridge(exchange, [TRADE, QUOTES]) as bridge, \
                Consumer(bridge.public) as consumer:
            self.wait_for(exchange, bridge, [TRADE, QUOTES])
            exchange.publish(TRADE, '{"n":1}')
            self.assertEqual([message.sequence for message in consumer.take(1)], [1])

            self.assertIn("streams changed added=1 removed=1", bridge.reload([TRADE, DEPTH]))
            self.wait_for(exchange, bridge, [TRADE, DEPTH])
            for stream in (TRADE, DEPTH):
                exchange.publish(stream, '{"n":2}')
            came = {message.topic: message for message in consumer.take(2)}
            self.assertEqual({topic: message.sequence for topic, message in came.items()}, {TRADE: 2, DEPTH: 1})
            self.assertEqual({message.connection for message in came.values()}, {1})
            self.assertEqual([came[stream].flags & 4 for stream in (TRADE, DEPTH)], [0, 4])
            page = bridge.get("/metrics")[1]
            self.assertIn(f'received_messages_total{{stream="{DEPTH}"}} 1\n', page)
            self.assertNotIn(QUOTES, page)

            bridge.reload([TRADE, QUOTES, DEPTH])
            self.wait_for(exchange, bridge, [TRADE, QUOTES, DEPTH])
            exchange.fault("drop")
            bridge.wait_for_line("connected connection=2")
            self.wait_for(exchange, bridge, [TRADE, QUOTES, DEPTH])

    def test_streams_come_and_go_under_load_and_the_others_miss_nothing(self):
        passing = [DEPTH, QUOTES, "depth.BTC_USDC", "trade.BTC_USDC"]
        with Exchange() as exchange, self.bridge(exchange, [TRADE, LASTING]) as bridge, \
                Consumer(bridge.public, [TRADE, LASTING]) as consumer:
            self.wait_for(exchange, bridge, [TRADE, LASTING])
            for turn in range(500):
                exchange.rate(8_000, messages=4_000)  # each turn: else what waits for a slow bridge would grow
                added = passing[:1 + turn // 2 % len(passing)] if turn % 2 == 0 else []
                self.assertIn("streams changed", bridge.reload([TRADE, LASTING, *added]))
                self.wait_for(exchange, bridge, [TRADE, LASTING, *added])
                exchange.catch_up()  # it remembers so much alone
                if turn >= 12 and exchange.state()["counters"]["frames_sent"] > 10_000:
                    break
            else:
                self.fail("the market hardly moves")
            exchange.come_to_rest()
            sent = [(stream, text) for stream, text in exchange.sent() if stream in (TRADE, LASTING)]
            came = consumer.take(len(sent))
        self.assertGreater(len(sent), 1_000)
        for stream in TRADE, LASTING:
            of_it = [message for message in came if message.topic == stream]
            self.assertEqual([message.sequence for message in of_it], [*range(1, len(of_it) + 1)])
            self.assertEqual({message.flags for message in of_it[1:]}, {0})
            self.assertEqual({message.connection for message in of_it}, {1})
            self.assertTrue([message.payload for message in of_it] ==
                            [text for name, text in sent if name == stream], f"{stream} is not what was said")

    def test_streams_that_need_more_than_a_subscription_are_refused_by_name(self):
        keys = {name: "" for name in KEYS}
        with Exchange() as exchange, self.bridge(exchange, [TRADE], **keys) as bridge:
            self.wait_for(exchange, bridge, [TRADE])
            said = bridge.reload([TRADE, DEPTH, ORDERS])
            self.assertRegex(said, f"stream needs a restart stream={ORDERS} cause=.*key")
            self.wait_for(exchange, bridge, [TRADE, DEPTH])

    def test_account_streams_come_where_the_key_is_there(self):
        with Exchange() as exchange, self.bridge(exchange, [TRADE]) as bridge, \
                Consumer(bridge.public) as everyone, Consumer(bridge.private) as owner:
            self.wait_for(exchange, bridge, [TRADE])
            bridge.reload([TRADE, ORDERS])
            self.wait_for(exchange, bridge, [TRADE, ORDERS])
            exchange.publish(ORDERS, '{"e":"orderFill"}')
            self.assertEqual(owner.take(1)[0].topic, ORDERS)
            self.assertEqual(everyone.take_until_heartbeat(), [])

    def test_who_listens_keeps_a_stream_that_is_configured_no_more_where_that_is_allowed(self):
        allowing = {"BRIDGE_UPSTREAM__ON_DEMAND__ENABLED": "true", "BRIDGE_UPSTREAM__ON_DEMAND__LINGER_MS": "0",
                    "BRIDGE_UPSTREAM__ON_DEMAND__ALLOW": "trade.*"}
        with Exchange() as exchange, self.bridge(exchange, [TRADE, DEPTH], **allowing) as bridge:
            self.wait_for(exchange, bridge, [TRADE, DEPTH])
            with Consumer(bridge.public, [TRADE]) as consumer:
                wait_until(lambda: {"name": TRADE, "subscribers": 1}.items() <= bridge.status()["streams"][0].items(),
                           "its subscription")
                exchange.publish(TRADE, '{"n":1}')
                bridge.reload([DEPTH])
                wait_until(lambda: bridge.status()["on_demand"] ==
                           [{"name": TRADE, "state": "live", "waiting": False, "subscribers": 1}], "its stream")
                exchange.publish(TRADE, '{"n":2}')
                came = consumer.take(2)
            self.assertEqual([(message.sequence, message.flags & 4) for message in came], [(1, 4), (2, 0)])
            wait_until(lambda: TRADE not in exchange.state()["subscriptions"], "its end")
            self.assertEqual(bridge.status()["on_demand"], [])

    def test_other_keys_are_refused_by_name_and_what_may_change_does(self):
        with Exchange() as exchange, self.bridge(exchange, [TRADE]) as bridge:
            self.wait_for(exchange, bridge, [TRADE])
            said = bridge.reload([DEPTH], publish={"send_hwm": 7, "linger_ms": 3, "books": [DEPTH]},
                                 upstream={"on_demand": {"enabled": True, "linger_ms": 7, "allow": ["trade.*"]}},
                                 log={"level": "debug"})
            for key in ("publish.send_hwm", "publish.linger_ms", "publish.books", "upstream.on_demand.enabled",
                        "upstream.on_demand.linger_ms", "upstream.on_demand.allow"):
                self.assertIn(f"needs a restart key={key}\n", said + "\n")
            self.assertIn("log level changed level=debug", said)
            self.wait_for(exchange, bridge, [DEPTH])
            self.assertNotIn("log level", bridge.reload([DEPTH], log={"level": "debug"}))

    def test_another_account_key_is_named_and_the_same_one_is_not(self):
        path = f"{self.path}.key"
        with open(path, "w") as file:
            file.write(KEYS["BACKPACK_PUBLIC_KEY"])
        key_in_file = {"BACKPACK_PUBLIC_KEY": "", "BACKPACK_PUBLIC_KEY_FILE": path}
        with Exchange() as exchange, self.bridge(exchange, [TRADE], **key_in_file) as bridge:
            self.wait_for(exchange, bridge, [TRADE])
            self.assertNotIn("needs a restart", bridge.reload([TRADE]))
            with open(path, "w") as file:
                file.write("A" * 43 + "=\n")
            self.assertIn("needs a restart key=BACKPACK_PUBLIC_KEY\n", bridge.reload([TRADE]) + "\n")

    def test_a_faulty_configuration_changes_nothing(self):
        with Exchange() as exchange, self.bridge(exchange, [TRADE]) as bridge:
            self.wait_for(exchange, bridge, [TRADE])
            said = bridge.reload([DEPTH, "trade.A;trade.B"], log={"level": "debug"})
            self.assertIn('not reloaded problem="config: upstream.streams[1]: ', said)
            self.assertNotIn("log level", said)
            self.wait_for(exchange, bridge, [TRADE])


if __name__ == "__main__":
    unittest.main()
