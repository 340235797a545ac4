"""Who of the machine's users may connect to an ipc:// endpoint."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from harness import BRIDGE, DEADLINE, ROOT, Bridge, Consumer, Exchange

BRIDGES = 0  # root's, of the bridge as this test starts it
ANOTHER = 65534

# Receives a heartbeat, or says why it cannot connect.
CONSUMER = """
import socket, sys, zmq
path = sys.argv[1]
try:
    socket.socket(socket.AF_UNIX).connect(path)
except OSError as error:
    sys.exit(error.strerror)
consumer = zmq.Context().socket(zmq.SUB)
consumer.rcvtimeo = %d
consumer.subscribe("bridge.status")
consumer.connect("ipc://" + path)
print(consumer.recv_multipart()[0].decode())
""" % (DEADLINE * 1000)


UNIT = (ROOT / "deploy/systemd/backpack-bridge.service").read_text()
UMASK_OF_UNIT = re.search(r"^UMask=(\d+)$", UNIT, re.MULTILINE)[1]


class BridgeWithUmask(Bridge):
    def __init__(self, umask, *arguments, **settings):
        self._umask = umask
        super().__init__(*arguments, **settings)

    def command(self):
        return ["/bin/sh", "-c", f'umask {self._umask}; exec "$0"', BRIDGE]


class EndpointsTest(unittest.TestCase):
    """Of a bridge that is started with `UMASK`, which is for whoever derives from this to say."""

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("to be two users takes root")
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        os.chmod(directory.name, 0o755)  # as systemd makes /run/backpack-bridge
        cls.public, cls.private = (str(pathlib.Path(directory.name, name)) for name in ("public", "private"))
        exchange = cls.enterClassContext(Exchange())
        cls.enterClassContext(BridgeWithUmask(cls.UMASK, exchange, ["trade.SOL_USDC"], **{
            "BRIDGE_PUBLISH__PUBLIC__BIND": f"ipc://{cls.public}",
            "BRIDGE_PUBLISH__PRIVATE__BIND": f"ipc://{cls.private}"}))

    def heard(self, path, user, group):
        """What a consumer that runs as these says."""
        done = subprocess.run([sys.executable, "-c", CONSUMER, path], user=user, group=group, extra_groups=[],
                              capture_output=True, text=True, timeout=2 * DEADLINE, check=False)
        return done.stdout + done.stderr


class WithUmaskOfTheUnitTest(EndpointsTest):
    UMASK = UMASK_OF_UNIT

    def test_every_user_may_listen_to_what_is_public(self):
        self.assertEqual(self.heard(self.public, ANOTHER, ANOTHER), "bridge.status\n")

    def test_only_the_bridges_group_may_listen_to_the_account(self):
        self.assertEqual(self.heard(self.private, ANOTHER, ANOTHER), "Permission denied\n")
        self.assertEqual(self.heard(self.private, ANOTHER, BRIDGES), "bridge.status\n")


class WithSecretiveUmaskTest(EndpointsTest):
    UMASK = "077"

    def test_every_user_may_listen_to_what_is_public(self):
        self.assertEqual(self.heard(self.public, ANOTHER, ANOTHER), "bridge.status\n")

    def test_nobody_but_the_bridges_user_may_listen_to_the_account(self):
        self.assertEqual(self.heard(self.private, ANOTHER, BRIDGES), "Permission denied\n")
        self.assertEqual(self.heard(self.private, BRIDGES, BRIDGES), "bridge.status\n")


class LostSocketFileTest(unittest.TestCase):
    def test_is_told_of_and_whoever_is_connected_goes_on(self):
        stream = "trade.SOL_USDC"
        with tempfile.TemporaryDirectory() as directory, Exchange() as exchange:
            path = os.path.join(directory, "socket")
            with Bridge(exchange, [stream], BRIDGE_PUBLISH__PUBLIC__BIND=f"ipc://{path}") as bridge, \
                    Consumer(bridge.public) as consumer:
                exchange.wait_for_subscriptions([stream])
                os.unlink(path)
                bridge.wait_for_line(f'ERROR socket file lost endpoint=ipc://{path} cause="it was removed"')
                exchange.publish(stream, "{}")
                self.assertEqual(consumer.take(1)[0].topic, stream)


if __name__ == "__main__":
    unittest.main()
