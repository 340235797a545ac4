"""What a consumer in another language receives from a bridge that is connected to an exchange."""

import subprocess
import unittest

from harness import BRIDGE, DEADLINE, Bridge, Consumer, Exchange, clean_environment, wait_until

PUBLIC = ["trade.SOL_USDC", "trade.SOL_USDC_PERP", "bookTicker.SOL_USDC", "depth.SOL_USDC",
          "depth.200ms.BTC_USDC", "kline.1m.SOL_USDC", "ticker.BTC_USDC",
          "markPrice.SOL_USDC_PERP", "bookTicker.AAPL.US_USDC"]
PRIVATE = ["account.orderUpdate", "account.positionUpdate", "account.balanceUpdate"]
STREAMS = PUBLIC + PRIVATE


def is_private(stream):
    return stream.startswith("account.")


class ConsumerTest(unittest.TestCase):
    def test_receives_byte_for_byte_what_the_exchange_sent_and_account_data_apart(self):
        with Exchange() as exchange:
            exchange.fault("refuse")  # until the consumers are there to see the very first message
            with Bridge(exchange, STREAMS) as bridge, \
                    Consumer(bridge.public) as everyone, Consumer(bridge.private) as owner:
                exchange.fault("heal")
                exchange.wait_for_subscriptions(STREAMS)
                exchange.rate(1000)
                wait_until(lambda: exchange.state()["counters"]["frames_sent"] > 5000, "5000 frames")
                exchange.rate(0)
                exchange.publish(PRIVATE[0], '"last"')  # behind all that the market said

                sent = wait_until(lambda: self.all_sent(exchange, '"last"'), "the last frame")
                public = [frame for frame in sent if not is_private(frame[0])]
                private = [frame for frame in sent if is_private(frame[0])]
                self.assertGreater(len(public), 1000)
                self.assertGreater(len(private), 10)
                self.check(public, everyone.take(len(public)) + everyone.take_until_heartbeat())
                self.check(private, owner.take(len(private)) + owner.take_until_heartbeat())

    @staticmethod
    def all_sent(exchange, last):
        sent = exchange.sent()
        return sent if last in sent[-1][1] else None

    def check(self, sent, received):
        self.assertEqual([(message.topic, message.payload) for message in received], sent)
        sequences = {}
        for message in received:
            sequences[message.topic] = sequences.get(message.topic, 0) + 1
            self.assertEqual(message.sequence, sequences[message.topic])
            self.assertEqual(message.flags, 4 if message.sequence == 1 else 0)
            self.assertEqual(message.connection, 1)
            self.assertEqual(message.epoch, received[0].epoch)
            self.assertLessEqual(message.epoch * 1000, message.received)
            self.assertLessEqual(message.received, message.sent)

    def test_sees_a_reconnect_in_header_and_status(self):
        with Exchange() as exchange, Bridge(exchange, ["trade.SOL_USDC"]) as bridge, \
                Consumer(bridge.public) as consumer:
            exchange.wait_for_subscriptions(["trade.SOL_USDC"])
            exchange.publish("trade.SOL_USDC", '{"t":1}')
            self.assertEqual(len(consumer.take(1)), 1)
            exchange.fault("drop")
            lost = consumer.wait_for_status("disconnected")
            self.assertEqual((lost["reason"], lost["state"]), ("reset", "down"))
            self.assertEqual(consumer.wait_for_status("connected")["connection"], 2)
            exchange.wait_for_subscriptions(["trade.SOL_USDC"])
            exchange.publish("trade.SOL_USDC", '{"t":2}')
            exchange.publish("trade.SOL_USDC", '{"t":5}')
            nothing_missed, two_missed = consumer.take(2)
            self.assertEqual((nothing_missed.sequence, nothing_missed.connection), (2, 2))
            self.assertEqual(nothing_missed.flags, 4)
            self.assertEqual(two_missed.flags, 2)
            gap = consumer.wait_for_status("gap")
            self.assertEqual((gap["stream"], gap["expected"], gap["got"]), ("trade.SOL_USDC", 3, 5))

    def test_learns_of_a_refused_private_stream_on_the_private_endpoint_alone(self):
        with Exchange() as exchange:
            exchange.fault("refuse")
            with Bridge(exchange, ["trade.SOL_USDC", "account.noSuchUpdate"]) as bridge, \
                    Consumer(bridge.public) as everyone, Consumer(bridge.private) as owner:
                exchange.fault("heal")
                refused = owner.wait_for_status("rejected")
                self.assertEqual((refused["stream"], refused["code"]),
                                 ("account.noSuchUpdate", 4006))
                everyone.take_until_heartbeat()
                for message in everyone.status:
                    self.assertNotIn("account", message.payload)

    def test_is_told_when_the_bridge_stops_in_order(self):
        with Exchange() as exchange, \
                Bridge(exchange, ["trade.SOL_USDC"], BRIDGE_PUBLISH__LINGER_MS="60000") as bridge, \
                Consumer(bridge.public) as everyone, Consumer(bridge.private) as owner:
            exchange.wait_for_subscriptions(["trade.SOL_USDC"])
            self.assertEqual(bridge.stop(), 0)
            self.assertEqual(everyone.wait_for_status("shutdown")["state"], "down")
            owner.wait_for_status("shutdown")
            wait_until(lambda: exchange.state()["client_close_code"] == 1000, "a Close with 1000")

    def test_can_be_tail_which_prints_the_exchanges_text(self):
        with Exchange() as exchange, Bridge(exchange, STREAMS) as bridge:
            exchange.wait_for_subscriptions(STREAMS)
            exchange.rate(200)
            tail = subprocess.run(
                [BRIDGE, "tail", "--connect", bridge.public, "--connect", bridge.private,
                 "--format", "raw", "--count", "100"],
                env=clean_environment(), stdout=subprocess.PIPE, text=True, timeout=DEADLINE, check=True)
            exchange.come_to_rest()
            sent = {text for _, text in exchange.sent()}
            lines = tail.stdout.splitlines()
            self.assertEqual(len(lines), 100)
            self.assertLessEqual(set(lines), sent)


if __name__ == "__main__":
    unittest.main()
