"""One message of the bridge, as README's table of the header says, written down once more."""

import struct
import typing

GAP_BEFORE = 2
FIRST_ON_CONNECTION = 4
END_OF_REPLAY = 8
STATUS = "bridge.status"


class Message(typing.NamedTuple):
    topic: str
    payload: bytes
    flags: int
    connection: int
    epoch: int
    sequence: int
    received: int
    event: int
    sent: int
    at: float

    def __str__(self):
        text = self.payload if len(self.payload) <= 300 else self.payload[:300] + b"..."
        return (f"{self.topic} connection={self.connection} sequence={self.sequence} "
                f"flags={self.flags} received={self.received} event={self.event} "
                f"sent={self.sent} {text.decode(errors='replace')}")


def decode(arrived):
    version, length, *fields = struct.unpack("<BBHIQQqqq", arrived.header)
    assert (version, length) == (1, 48), (version, length)
    return Message(arrived.topic.decode(), arrived.payload, *fields, arrived.at)
