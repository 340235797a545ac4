"""A consumer without a library: it speaks ZMTP of the version that it is told to, and not a word more."""

import json
import struct
import typing

import hostile

HAS_MORE, IS_LONG, IS_COMMAND = 1, 2, 4


class Frames(typing.NamedTuple):
    topic: str
    payload: bytes
    sequence: int


class RawConsumer:
    """A SUB peer by ZMTP 2, or by ZMTP 3.0 that answers no PING. Used as a context manager."""

    def __init__(self, endpoint, version, topics=()):
        self.commands = []  # that came: of ZMTP 3 alone, READY aside
        self.connection = hostile.connect(endpoint)
        self._is_of_old = version == 2
        if self._is_of_old:
            hostile.shake_hands_as_of_old(self.connection, version)
            assert hostile.receive_exactly(self.connection, 2) == b"\0\0"  # an anonymous identity
        else:
            hostile.shake_hands(self.connection)
        for topic in topics:
            self.subscribe(topic)

    def subscribe(self, topic):
        body = b"\x01" + topic.encode()
        self.connection.sendall(hostile.frame_of_old(body, 2) if self._is_of_old else hostile.frame(body))

    def _frame(self):
        flags = hostile.receive_exactly(self.connection, 1)[0]
        size = struct.unpack(">Q", hostile.receive_exactly(self.connection, 8))[0] if flags & IS_LONG \
            else hostile.receive_exactly(self.connection, 1)[0]
        return flags, hostile.receive_exactly(self.connection, size)

    def take(self):
        """The next message."""
        frames = []
        while True:
            flags, body = self._frame()
            if flags & IS_COMMAND:
                self.commands.append(body)
                continue
            frames.append(body)
            if not flags & HAS_MORE:
                topic, payload, header = frames
                return Frames(topic.decode(), payload, struct.unpack_from("<Q", header, 16)[0])

    def wait_for_heartbeat(self):
        """What it has subscribed to is in force then, where bridge.status is the last of it."""
        while True:
            message = self.take()
            if message.topic == "bridge.status" and json.loads(message.payload)["event"] == "heartbeat":
                return

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
