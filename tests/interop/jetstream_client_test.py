"""What the bridge has stored, as NATS' own client for JavaScript reads it. Skipped where npm cannot have it."""

import base64
import datetime
import json
import pathlib
import shutil
import signal
import tempfile
import unittest

import npm
from harness import Consumer, Program, clean_environment, wait_until
from jetstream_test import Case, as_stored
from nats_client import Stored


class Client(Program):
    """One that prints what it reads."""

    def wait_for_messages(self, count):
        """All that it has read, once they are so many."""
        def has_come():
            assert self.is_running, "\n".join(self.lines)
            return len(self.lines) >= count
        wait_until(has_come, f"{count} messages")
        messages = (json.loads(line) for line in self.lines)
        return [Stored(message["subject"], message["headers"], base64.b64decode(message["payload"]).decode())
                for message in messages]


class ClientTest(Case):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        npm.install(directory.name, "nats@2")
        # A module is looked for where the file lies that asks for it.
        cls.script = shutil.copy(pathlib.Path(__file__).with_name("jetstream_consumer.js"), directory.name)

    def setUp(self):
        super().setUp()
        self.server = self.start_server()
        self.exchange = self.start_exchange()
        self.bridge = self.start_bridge(self.exchange, self.server)
        self.consumer = self.enter(Consumer(self.bridge.public))

    def start_client(self, *way):
        return self.enter(Client(["node", self.script, self.server.url, *way], clean_environment()))

    def store_some(self):
        """How many the stream holds then."""
        self.let_move(self.exchange, self.bridge, 200)
        self.exchange.come_to_rest()
        self.wait_for_acknowledgements(self.bridge, self.exchange)
        return len(self.exchange.sent())

    def shown(self):
        """All that ZeroMQ has shown, as the stream is to hold it."""
        return [as_stored(message) for message in self.consumer.take(len(self.exchange.sent()))]

    def test_durable_consumer_goes_on_where_it_was_ended(self):
        self.store_some()
        read = 100
        client = self.start_client("durable", "research", str(read))
        messages = client.wait_for_messages(read)
        client.stop(signal.SIGKILL)
        rest = self.store_some() - read
        messages += self.start_client("durable", "research", str(rest)).wait_for_messages(rest)
        self.assertEqual(messages, self.shown())

    def test_ordered_consumer_gets_what_was_stored_since_and_what_comes(self):
        before = self.store_some()
        moment = datetime.datetime.now(datetime.timezone.utc).isoformat()
        since = self.store_some() - before
        client = self.start_client("since", moment)
        client.wait_for_messages(since)
        live = self.store_some() - before
        self.assertEqual(client.wait_for_messages(live), self.shown()[before:])


if __name__ == "__main__":
    unittest.main()
