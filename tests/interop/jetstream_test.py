"""The sink to NATS JetStream, against the server that users have."""

import collections
import contextlib
import datetime
import json
import pathlib
import re
import signal
import socketserver
import subprocess
import threading
import time
import unittest

import nats_operator
from harness import DEADLINE, IS_HEAVY, Bridge, Consumer, Exchange, free_port, wait_until
from nats_client import NatsClient, NatsServer, Stored, store

STREAMS = ["trade.SOL_USDC", "depth.SOL_USDC", "bookTicker.SOL_USDC", "trade.BTC_USDC"]
STREAM = "BACKPACK"
PONG = b"PONG\r\n"


class FallingSilent(socketserver.ThreadingTCPServer):
    """Says a word to whoever comes, the next one when it has heard something, and in the end nothing more."""
    daemon_threads = True

    class Peer(socketserver.BaseRequestHandler):
        def handle(self):
            with contextlib.suppress(OSError):
                for word in self.server.words:
                    self.request.sendall(word)
                    self.request.recv(65_536)
                while self.request.recv(65_536):
                    pass

    def __init__(self, words):
        super().__init__(("127.0.0.1", 0), self.Peer)
        self.words = words
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *failure):
        self.shutdown()
        super().__exit__(*failure)


def settings(*servers, **further):
    return {"BRIDGE_PUBLISH__JETSTREAM__SERVERS": ",".join(server.url for server in servers),
            **{f"BRIDGE_PUBLISH__JETSTREAM__{name}": value for name, value in further.items()}}


def by_stream(pairs):
    """Of pairs of stream and text: stream → texts, in order."""
    streams = collections.defaultdict(list)
    for stream, text in pairs:
        streams[stream].append(text)
    return dict(streams)


def as_stored(message):
    """A message that ZeroMQ has shown, as the stream is to hold it."""
    return Stored(f"backpack.{message.topic}", {
        "Nats-Msg-Id": f"{message.epoch}:{message.topic}:{message.sequence}",
        "Bridge-Sequence": str(message.sequence), "Bridge-Epoch": str(message.epoch),
        "Bridge-Connection": str(message.connection), "Bridge-Flags": str(message.flags),
        "Bridge-Received": str(message.received), "Bridge-Event": str(message.event),
        "Bridge-Sent": str(message.sent)}, message.payload)


class Case(unittest.TestCase):
    def setUp(self):
        resources = contextlib.ExitStack()
        self.addCleanup(resources.close)
        self.enter = resources.enter_context

    def start_server(self, *options, **settings):
        folder = self.enter(store())
        return self.enter(NatsServer(folder, *options, **settings))

    def start_exchange(self):
        return self.enter(Exchange("--symbols", "SOL_USDC,BTC_USDC"))

    def start_bridge(self, exchange, *servers, streams=tuple(STREAMS), **further):
        bridge = self.enter(Bridge(exchange, list(streams), **settings(*servers, **further)))
        exchange.wait_for_subscriptions(streams)
        return bridge

    def stored(self, port):
        with NatsClient(port) as client:
            return client.messages(STREAM)

    def wait_for_acknowledgements(self, bridge, exchange):
        """The fence of the exchange is the last message of all."""
        sent = len(exchange.sent())
        wait_until(lambda: bridge.metric("jetstream_acknowledged_total") == sent,
                   "every message to be acknowledged", 10 * DEADLINE, every=0.1)
        self.assertEqual(bridge.metric("jetstream_published_total"), sent)
        self.assertEqual(bridge.metric("jetstream_pending"), 0)
        self.assertEqual(bridge.metric("jetstream_lost_total"), 0)
        wait_until(lambda: bridge.metric("jetstream_acknowledgement_seconds_count") == sent,
                   "how long each of them took")
        self.assertGreater(bridge.metric("jetstream_acknowledgement_seconds_sum"), 0)

    def let_move(self, exchange, bridge, count, per_second=500):
        """Until the sink has so many messages more. The market goes on for a while, but not for ever: on a slow
        machine ever more would have to be stored."""
        goal = bridge.metric("jetstream_published_total") + count
        exchange.rate(per_second, messages=10 * count)
        wait_until(lambda: bridge.metric("jetstream_published_total") >= goal, f"{count} messages", every=0.1)

    @staticmethod
    def wait_for_events(consumer, *events):
        """On bridge.status since the consumer came, in this order; others may be in between."""
        def have_come():
            told = (event.get("jetstream") for event in
                    (json.loads(message.payload) for message in consumer.status))
            return all(event in told for event in events)  # each looks on where the one before has stopped
        end = time.monotonic() + 10 * DEADLINE
        while not have_come():
            assert time.monotonic() < end, f"not all of {events}, or not in this order"
            consumer.wait_for_status("heartbeat")

    def assert_same(self, stored, exchange):
        """Each message that the exchange sent is there once, byte for byte, in order by subject."""
        self.assertEqual(by_stream((message.subject, message.payload) for message in stored),
                         by_stream((f"backpack.{stream}", text) for stream, text in exchange.sent()))
        self.assertEqual(len({message.headers["Nats-Msg-Id"] for message in stored}), len(stored))
        sequences = collections.Counter()
        for message in stored:
            sequences[message.subject] += 1
            self.assertEqual(message.headers["Bridge-Sequence"], str(sequences[message.subject]))


class JetStreamTest(Case):
    def test_stream_holds_what_the_exchange_sent_and_zeromq_showed_over_three_reconnects(self):
        server = self.start_server()
        exchange = self.start_exchange()
        bridge = self.start_bridge(exchange, server)
        consumer = self.enter(Consumer(bridge.public))
        for reconnects in (1, 2, 3):
            self.let_move(exchange, bridge, 200)
            exchange.fault("close", code=1012)
            wait_until(lambda goal=reconnects: bridge.metric("upstream_reconnects_total") == goal,
                       f"reconnect {reconnects}")
            exchange.wait_for_subscriptions(STREAMS)
        self.let_move(exchange, bridge, 200)
        exchange.come_to_rest()
        self.wait_for_acknowledgements(bridge, exchange)
        stored = self.stored(server.port)
        self.assert_same(stored, exchange)
        self.assertEqual(stored, [as_stored(message) for message in consumer.take(len(stored))])

    def test_server_that_is_killed_and_comes_back_has_every_message_once(self):
        server = self.start_server()
        exchange = self.start_exchange()
        bridge = self.start_bridge(exchange, server)
        consumer = self.enter(Consumer(bridge.public, topics=()))
        bridge.wait_for_line("jetstream ready")
        self.let_move(exchange, bridge, 300)
        server.stop(signal.SIGKILL)
        wait_until(lambda: bridge.metric("jetstream_connected") == 0, "the loss to be noticed")
        self.let_move(exchange, bridge, 300)
        self.assertGreater(bridge.metric("jetstream_pending"), 0)
        ready, text = bridge.get("/readyz")
        self.assertEqual(ready, 200, "ZeroMQ's consumers miss nothing")
        self.assertFalse(json.loads(text)["jetstream"]["ready"])
        server = self.enter(server.again())
        self.let_move(exchange, bridge, 300)
        exchange.come_to_rest()
        self.wait_for_acknowledgements(bridge, exchange)
        self.assert_same(self.stored(server.port), exchange)
        self.assertGreaterEqual(bridge.metric("jetstream_reconnects_total"), 1)
        self.assertTrue(json.loads(bridge.get("/readyz")[1])["jetstream"]["ready"])
        self.wait_for_events(consumer, "disconnected", "connected")

    def test_server_that_freezes_holds_up_nobody_and_has_every_message_once_when_it_thaws(self):
        server = self.start_server()
        exchange = self.start_exchange()
        bridge = self.start_bridge(exchange, server)
        consumer = self.enter(Consumer(bridge.public))
        bridge.wait_for_line("jetstream ready")
        self.let_move(exchange, bridge, 200)
        wait_until(lambda: bridge.metric("jetstream_acknowledged_total") > 0, "the first to be stored")
        self.addCleanup(server.send, signal.SIGCONT)  # else it would not end
        server.send(signal.SIGSTOP)
        self.let_move(exchange, bridge, 100)
        bridge.wait_for_line(r"jetstream not ready .*(the oldest message has not been answered|the server is silent)")
        self.let_move(exchange, bridge, 200)
        exchange.come_to_rest()
        sent = exchange.sent()
        self.assertEqual([(message.topic, message.payload) for message in consumer.take(len(sent))], sent)
        self.assertEqual(bridge.metric("jetstream_connected"), 0)
        self.assertGreater(bridge.metric("jetstream_pending"), 200)
        ready, text = bridge.get("/readyz")
        self.assertEqual(ready, 200, "ZeroMQ's consumers miss nothing")
        sink = json.loads(text)["jetstream"]
        self.assertFalse(sink["ready"])
        self.assertRegex(sink["reasons"][0], "^not connected: .")
        server.send(signal.SIGCONT)
        self.wait_for_acknowledgements(bridge, exchange)
        self.assert_same(self.stored(server.port), exchange)
        self.wait_for_events(consumer, "disconnected", "connected")

    def test_attempts_follow_each_other_at_doubling_intervals_and_anew_after_a_good_connection(self):
        """A cause is told once for each server. So there are as many as there are intervals."""
        server = self.start_server()
        doubling = [100, 200, 400, 800, 1600, 3200, 5000]
        away = [f"nats://127.0.0.1:{free_port()}" for _ in doubling]
        bridge = self.start_bridge(self.start_exchange(), streams=["trade.SOL_USDC"],
                                   SERVERS=",".join([*away, server.url]))

        def intervals():
            """Before each success, and behind the last one."""
            runs = [[]]
            for line in list(bridge.lines):
                if "jetstream ready" in line:
                    runs.append([])
                elif interval := re.search(r"jetstream not ready .*retry_ms=(\d+)", line):
                    runs[-1].append(int(interval[1]))
            return runs
        bridge.wait_for_line("jetstream ready", 10 * DEADLINE)  # where one fails, all are tried anew
        since = time.monotonic()
        self.assertEqual(intervals()[0][:len(doubling)], doubling)
        wait_until(lambda: time.monotonic() > since + 5, "the connection to have lasted")
        server.stop(signal.SIGKILL)
        wait_until(lambda: len(intervals()[-1]) >= 3, "attempts after that")
        self.assertEqual(intervals()[-1][:3], doubling[:3])

    def test_without_room_this_sink_alone_loses_and_tells(self):
        server = self.start_server()
        server.stop()
        exchange = self.start_exchange()
        bridge = self.start_bridge(exchange, server, streams=["trade.SOL_USDC"], MAX_PENDING="10")
        consumer = self.enter(Consumer(bridge.public))
        texts = [f'{{"E":1788367430323775,"t":{t}}}' for t in range(1, 51)]
        for text in texts:
            exchange.publish("trade.SOL_USDC", text)
        self.assertEqual(len(consumer.take(50)), 50)
        wait_until(lambda: bridge.metric("jetstream_lost_total") == 40, "all that found no room")
        self.assertEqual(bridge.metric("jetstream_pending"), 10)
        bridge.wait_for_line(r"jetstream losing messages .*")
        server = self.enter(server.again())
        wait_until(lambda: bridge.metric("jetstream_pending") == 0, "what waited to be stored")
        exchange.publish("trade.SOL_USDC", '{"E":1788367430323775,"t":51}')
        wait_until(lambda: bridge.metric("jetstream_acknowledged_total") == 11, "the next one")
        sequences = [message.headers["Bridge-Sequence"] for message in self.stored(server.port)]
        self.assertEqual(sequences, [str(number) for number in (*range(1, 11), 51)])
        self.wait_for_events(consumer, "losing", "keeping up")
        bridge.wait_for_line("jetstream keeping up .*lost=40")
        self.assertTrue(json.loads(bridge.get("/readyz")[1])["jetstream"]["ready"])

    def test_stream_that_is_there_is_used_and_not_changed(self):
        server = self.start_server()
        with NatsClient(server.port) as client:
            client.create_stream(STREAM, ["backpack.>"], max_age=3_600_000_000_000, max_bytes=1_000_000)
            before = client.stream(STREAM)["config"]
        exchange = self.start_exchange()
        bridge = self.start_bridge(exchange, server, streams=["trade.SOL_USDC"], REPLICAS="3")
        line = bridge.wait_for_line(r"jetstream stream differs .*")[0]
        for difference in ("BACKPACK", "replicas 1, configured 3", "max_age_s 3600, configured 86400",
                           "max_bytes 1000000, configured 10737418240"):
            self.assertIn(difference, line)
        exchange.publish("trade.SOL_USDC", '{"t":1}')
        wait_until(lambda: bridge.metric("jetstream_acknowledged_total") == 1, "the message")
        with NatsClient(server.port) as client:
            self.assertEqual(client.stream(STREAM)["config"], before)

    def test_stream_that_is_absent_is_created_as_configured(self):
        server = self.start_server()
        self.start_bridge(self.start_exchange(), server, streams=["trade.SOL_USDC"], STREAM="MARKET",
                          SUBJECT_PREFIX="market.backpack.", MAX_AGE_S="600", MAX_BYTES="1000000"
                          ).wait_for_line("jetstream ready")
        with NatsClient(server.port) as client:
            config = client.stream("MARKET")["config"]
        self.assertEqual(
            {key: config[key] for key in ("subjects", "max_age", "max_bytes", "num_replicas", "storage")},
            {"subjects": ["market.backpack.>"], "max_age": 600_000_000_000, "max_bytes": 1_000_000,
             "num_replicas": 1, "storage": "file"})

    def test_account_is_in_the_stream_only_where_that_is_wanted(self):
        for wanted in (False, True):
            with self.subTest(include_private=wanted), store() as folder, NatsServer(folder) as server, \
                    Exchange() as exchange, \
                    Bridge(exchange, ["account.orderUpdate", "trade.SOL_USDC"],
                           **settings(server, INCLUDE_PRIVATE=str(wanted).lower())) as bridge:
                exchange.wait_for_subscriptions(["account.orderUpdate", "trade.SOL_USDC"])
                exchange.publish("account.orderUpdate", '{"i":"1"}')
                exchange.publish("trade.SOL_USDC", '{"t":1}')
                wait_until(lambda count=1 + wanted: bridge.metric("jetstream_acknowledged_total") == count,
                           "what is wanted")
                subjects = [message.subject for message in self.stored(server.port)]
                self.assertEqual(subjects, ["backpack.account.orderUpdate"] * wanted + ["backpack.trade.SOL_USDC"])

    def test_two_bridges_fill_one_stream(self):
        server = self.start_server()
        exchange = self.start_exchange()
        bridges = [self.enter(Bridge(exchange, [stream], **settings(server)))
                   for stream in ("trade.SOL_USDC", "trade.BTC_USDC")]
        wait_until(lambda: exchange.state()["open_connections"] == 2, "both")
        for bridge in bridges:
            wait_until(lambda ready=bridge: ready.get("/readyz")[0] == 200, "the bridge")
        for stream in ("trade.SOL_USDC", "trade.BTC_USDC"):
            exchange.publish(stream, '{"t":1}')
        for bridge in bridges:
            wait_until(lambda sink=bridge: sink.metric("jetstream_acknowledged_total") == 1, "its message")
        self.assertEqual({message.subject for message in self.stored(server.port)},
                         {"backpack.trade.SOL_USDC", "backpack.trade.BTC_USDC"})

    def test_message_that_the_server_never_takes_holds_no_other_up(self):
        server = self.start_server()
        exchange = self.start_exchange()
        bridge = self.start_bridge(exchange, server, streams=["trade.SOL_USDC"])
        exchange.publish("trade.SOL_USDC", json.dumps({"t": 1, "x": "x" * 1_100_000}))  # beyond max_payload
        exchange.publish("trade.SOL_USDC", '{"t":2}')
        wait_until(lambda: bridge.metric("jetstream_acknowledged_total") == 1, "the second one")
        self.assertEqual(bridge.metric("jetstream_lost_total"), 1)
        bridge.wait_for_line(r"jetstream message refused .*stream=trade.SOL_USDC")

    def test_tls_server_is_used_only_where_somebody_trusted_vouches_for_it(self):
        folder = pathlib.Path(self.enter(store()))
        certificate, key = folder / "certificate.pem", folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=nats",
                        "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        server = self.start_server(certificate=(certificate, key))
        exchange = self.start_exchange()
        trusting = self.start_bridge(exchange, server, streams=["trade.SOL_USDC"], CA_FILE=str(certificate))
        trusting.wait_for_line("jetstream ready")
        distrusting = self.start_bridge(exchange, server, streams=["trade.SOL_USDC"])
        distrusting.wait_for_line(r"jetstream not ready.*certificate")
        elsewhere = f"tls://localhost:{server.port}"  # of which the certificate does not speak
        mistaken = self.start_bridge(exchange, server, streams=["trade.SOL_USDC"], SERVERS=elsewhere,
                                     CA_FILE=str(certificate))
        mistaken.wait_for_line(r"jetstream not ready.*hostname mismatch")
        exchange.rate(500, messages=10_000)  # of which few are trades
        wait_until(lambda: trusting.metric("jetstream_acknowledged_total") >= 300, "what is said", every=0.1)
        self.assertEqual(trusting.metric("jetstream_reconnects_total"), 0)
        self.assertEqual(distrusting.metric("jetstream_connected"), 0)
        self.assertEqual(mistaken.metric("jetstream_connected"), 0)

    def test_user_of_the_credentials_file_is_let_in_and_nobody_else(self):
        configuration, credentials = nats_operator.make(self.enter(store()))
        server = self.start_server(configuration=configuration)
        exchange = self.start_exchange()
        known = self.start_bridge(exchange, server, streams=["trade.SOL_USDC"], CREDENTIALS_FILE=str(credentials))
        known.wait_for_line("jetstream ready")
        unknown = self.start_bridge(exchange, server, streams=["trade.SOL_USDC"])
        unknown.wait_for_line(r"jetstream not ready.*[Aa]uthoriz.*")
        exchange.publish("trade.SOL_USDC", '{"t":1}')
        wait_until(lambda: known.metric("jetstream_acknowledged_total") == 1, "the message")
        self.assertEqual(unknown.metric("jetstream_connected"), 0)

    def test_stop_waits_for_no_server_that_is_away_or_silent(self):
        exchange = self.start_exchange()
        with contextlib.ExitStack() as stack:
            def silent(*words):
                return stack.enter_context(FallingSilent(words)).port
            info = b'INFO {"headers":true}\r\n'
            servers = {"refuses": f"nats://127.0.0.1:{free_port()}",
                       "is silent": f"nats://127.0.0.1:{silent()}",
                       "is silent in TLS": f"tls://127.0.0.1:{silent(info)}",
                       "is silent behind CONNECT": f"nats://127.0.0.1:{silent(info)}",
                       "does not know the stream": f"nats://127.0.0.1:{silent(info, PONG)}"}
            bridges = {name: self.enter(Bridge(exchange, ["trade.SOL_USDC"], BRIDGE_PUBLISH__JETSTREAM__SERVERS=server))
                       for name, server in servers.items()}
            for name, bridge in bridges.items():
                with self.subTest(server=name):
                    bridge.wait_for_line("jetstream not ready")
                    def waits():  # again: what comes before the subscription is in force goes nowhere
                        exchange.publish("trade.SOL_USDC", '{"t":1}')
                        return bridge.metric("jetstream_pending") > 0
                    wait_until(waits, "a message to wait for JetStream")
                    self.assertEqual(bridge.stop(), 0)
                    self.assertTrue(any("jetstream left behind" in line for line in bridge.lines))

    def test_consumer_that_asks_by_time_gets_what_was_stored_since(self):
        server = self.start_server()
        exchange = self.start_exchange()
        bridge = self.start_bridge(exchange, server, streams=["trade.SOL_USDC"])
        for number in (1, 2, 3, 4):
            if number == 3:
                moment = datetime.datetime.now(datetime.timezone.utc).isoformat()
            exchange.publish("trade.SOL_USDC", f'{{"t":{number}}}')
            wait_until(lambda stored=number: bridge.metric("jetstream_acknowledged_total") == stored, "the message")
        with NatsClient(server.port) as client:
            replayed = client.replay(STREAM, "backpack.trade.SOL_USDC", moment, count=2)
        self.assertEqual([message.headers["Bridge-Sequence"] for message in replayed], ["3", "4"])
        self.assertEqual([message.payload for message in replayed], [text for _, text in exchange.sent()[2:]])


class ClusterTest(Case):
    def start_cluster(self):
        """Three servers, each of which is to have all."""
        routes = [free_port() for _ in range(3)]
        all_routes = ",".join(f"nats://127.0.0.1:{port}" for port in routes)
        return [self.enter(NatsServer(self.enter(store()), "--name", f"n{number}", "--cluster_name", "three",
                                      "--cluster", f"nats://127.0.0.1:{port}", "--routes", all_routes))
                for number, port in enumerate(routes)]

    def assert_survives(self, choose):
        """That the loss of the server `choose` picks, by the leader's number, loses nothing."""
        servers = self.start_cluster()
        exchange = self.start_exchange()
        bridge = self.start_bridge(exchange, *servers, REPLICAS="3")
        bridge.wait_for_line("jetstream ready")
        self.let_move(exchange, bridge, 300)
        with NatsClient(servers[0].port) as client:
            leader = int(wait_until(lambda: (client.stream(STREAM) or {}).get("cluster", {}).get("leader"), "a leader")[1:])
        victim = servers.pop(choose(leader))
        victim.stop(signal.SIGKILL)
        self.let_move(exchange, bridge, 300)
        exchange.come_to_rest()
        self.wait_for_acknowledgements(bridge, exchange)
        self.assert_same(self.stored(servers[0].port), exchange)

    def test_cluster_that_loses_its_leader_has_every_message_once(self):
        self.assert_survives(lambda leader: leader)

    @unittest.skipUnless(IS_HEAVY, "the long form")
    def test_cluster_that_loses_a_follower_has_every_message_once(self):
        self.assert_survives(lambda leader: (leader + 1) % 3)


if __name__ == "__main__":
    unittest.main()
