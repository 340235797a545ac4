"""Memory that runs out: the bridge ends, and says why, or goes on and has lost nothing. Nothing in between."""

import json
import os
import pathlib
import resource
import signal
import subprocess
import tempfile
import time
import unittest

from harness import BRIDGE, DEADLINE, Bridge, Consumer, Exchange, wait_until

STREAM = "trade.SOL_USDC"
MIB = 1 << 20
UNREAD_BYTES = 60_000_000  # for little more the exchange cuts off who does not read
IS_SANITIZED = b"__asan_init" in pathlib.Path(BRIDGE).read_bytes()

# How it may end: by itself, or by libzmq, which ends the process where it gets no memory.
ENDS = {1: "out of memory", -signal.SIGABRT: "OUT OF MEMORY"}


def size_of(pid):
    """Of its address space, which the limit is about."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmSize:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmSize")


def limit(bridge, spare):
    """It has so many bytes more than it has taken."""
    _, hard = resource.prlimit(bridge.pid, resource.RLIMIT_AS)
    resource.prlimit(bridge.pid, resource.RLIMIT_AS, (size_of(bridge.pid) + spare, hard))


@unittest.skipIf(IS_SANITIZED, "a sanitizer's own memory is beyond any limit")
class MemoryLimitTest(unittest.TestCase):
    def setUp(self):
        self.exchange = self.enterContext(Exchange())

    def start(self, **settings):
        bridge = self.enterContext(Bridge(self.exchange, [STREAM], **settings))
        consumer = self.enterContext(Consumer(bridge.public, [STREAM]))
        self.exchange.wait_for_subscriptions([STREAM])
        return bridge, consumer

    def assert_said_why(self, bridge):
        status = bridge.wait_for_end()
        self.assertIn(status, ENDS, bridge.lines)
        self.assertIn(ENDS[status], "\n".join(bridge.lines))

    def received(self, bridge, consumer, count):
        """Up to `count` messages, or as many as a bridge that has ended had sent."""
        messages = []
        end = time.monotonic() + DEADLINE
        while len(messages) < count and time.monotonic() < end:
            has_ended = not bridge.is_running
            message = consumer.take_within(0.5)  # what is on its way when it ends comes at once
            if message:
                messages.append(message)
            elif has_ended:
                break
        return messages

    def test_loses_no_message_in_silence(self):
        """Of those that are long: what reads them, keeps them and sends them wants memory."""
        ended = 0
        for spare in (1, 4, 8, 16, 24):
            for size in (1_000, 100_000, 3_000_000):
                with self.subTest(spare=spare, size=size):
                    ended += self.suffer(spare * MIB, size)
        self.assertGreater(ended, 0, "it was never short of memory")

    def suffer(self, spare, size):
        """Whether the bridge has ended."""
        count = min(40, UNREAD_BYTES // size)
        bridge, consumer = self.start()
        limit(bridge, spare)
        for number in range(count):
            self.exchange.publish(STREAM, json.dumps({"n": number, "x": "x" * size}))
        messages = self.received(bridge, consumer, count)
        self.assertEqual([message.sequence for message in messages], list(range(1, len(messages) + 1)))
        self.assertEqual([json.loads(message.payload)["data"]["n"] for message in messages], list(range(len(messages))))
        if not bridge.is_running:
            self.assert_said_why(bridge)
            return True
        self.assertEqual(len(messages), count)
        self.assertEqual(bridge.metric("malformed_messages_total"), 0, "it blames the messages")
        self.assertEqual(bridge.status()["connection"], 1)
        self.assertEqual(bridge.stop(), 0)
        return False

    def test_starts_whole_or_says_why_it_does_not(self):
        bridge, _ = self.start()
        needed = size_of(bridge.pid)
        bridge.stop()
        outcomes = set()
        for size in (*range(needed // 8, needed, needed // 8), 2 * needed):  # a start wants more than what follows
            with self.subTest(mib=size // MIB):
                outcomes.add(self.start_within(size))
        self.assertLessEqual({"ended", "serves"}, outcomes)

    def start_within(self, size):
        environment = self.exchange.environment(BRIDGE_UPSTREAM__STREAMS=STREAM)
        before = self.exchange.state()["connections"]
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen(["/usr/bin/prlimit", f"--as={size}", BRIDGE], env=environment, stdout=output,
                                       stderr=output, stdin=subprocess.DEVNULL)
            try:
                wait_until(lambda: process.poll() is not None or self.exchange.state()["connections"] > before
                           or "connect failed" in self.said(output), "a bridge that has ended, serves, or says why not")
                is_running = process.poll() is None
            finally:
                process.terminate()
                status = process.wait(DEADLINE)
            said = self.said(output)
        if is_running and self.exchange.state()["connections"] > before:
            return "serves"
        self.assertTrue(said, "not a word")
        if is_running:  # no thread to look up names, for instance: it goes on trying
            return "waits"
        self.assertNotEqual(status, 0, said)
        return "ended"

    @staticmethod
    def said(output):
        return os.pread(output.fileno(), 1_000_000, 0).decode()


if __name__ == "__main__":
    unittest.main()
