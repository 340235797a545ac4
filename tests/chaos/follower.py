"""Checks what one healthy consumer received, message after message, by itself."""

import array
import collections
import json
import zlib

from books import REQUEST
from harness import KEYS
from lags import Lags
from message import END_OF_REPLAY, FIRST_ON_CONNECTION, GAP_BEFORE, STATUS
from numbering import Numbering, data_of
from programs import is_private
from violation import Violation, expect


_SECRET = KEYS["BACKPACK_SECRET_KEY"].encode()


def fingerprint(payload, header):
    return zlib.crc32(header, zlib.crc32(payload))


class Topic:
    """What is known of a topic: by its sequence each message's fingerprint and place."""

    def __init__(self, name):
        self.numbering = Numbering(name)
        self.fingerprints = array.array("I")
        self.places = array.array("Q")  # among all messages of the endpoint
        self.bytes = 0
        self.connection = 0
        self.last_received = 0  # nanoseconds, by the bridge's wall clock


class Follower:
    """Of an endpoint. `clock` judges the stamps of the wall clock."""

    def __init__(self, audience, clock):
        self._audience = audience
        self._clock = clock
        self._epoch = None
        self._owed_gap = None
        self._last = collections.deque(maxlen=6)
        self.connection = 0
        self.is_connected = False
        self.messages = 0
        self.answers = collections.Counter()  # with a book, and without one
        self.answer_bytes = 0
        self.status_sequence = None
        self._status_sizes = []  # of those that came, which have no holes
        self.topics = {}
        self.lags = Lags()
        self.received = {}  # connection → pairs of stream and payload
        self.ends = {}  # connection → reason
        self.disconnects = collections.Counter()
        self.longest_retry_ms = 0
        self.waiting_heartbeats = 0  # of a bridge that was about to connect again
        self.has_shut_down = False

    def follow(self, message, header):
        self._last.append(message)
        if message.topic.startswith(REQUEST):
            # To whom asked; who hears everything hears them too.
            self.answers["unknown" if message.flags & END_OF_REPLAY else "served"] += 1
            self.answer_bytes += len(message.payload)
            return
        try:
            self._check_stamps(message)
            if message.topic == STATUS:
                self._follow_status(message)
            else:
                self._follow_data(message, header)
        except Violation as violation:
            violation.messages = violation.messages or list(self._last)
            raise
        self.messages += 1

    def _check_stamps(self, message):
        self._epoch = self._epoch or message.epoch
        expect(message.epoch == self._epoch, f"another epoch on the {self._audience} endpoint")
        self._clock.check(message)

    def _follow_status(self, message):
        expected = message.sequence if self.status_sequence is None else self.status_sequence + 1
        expect(message.sequence == expected, f"a hole in {STATUS}: {expected} is missing")
        self.status_sequence = message.sequence
        self._status_sizes.append(len(message.payload))
        if self._audience == "public":
            expect(b"account." not in message.payload, "an account's stream on the public endpoint")
        expect(_SECRET not in message.payload, f"the secret key in {STATUS}")
        status = json.loads(message.payload)
        event = status["event"]
        owed, self._owed_gap = self._owed_gap, None
        if owed:
            said = (status.get("stream"), status.get("expected"), status.get("got"))
            expect(event == "gap" and said == owed, f"flag 2 without its event: {owed} != {said}")
        elif event == "gap" and self._serves(status["stream"]):
            raise Violation("a gap that no message shows")
        if event == "connected":
            expect(status["connection"] == self.connection + 1 and not self.is_connected,
                   f"connected to {status['connection']} after {self.connection}")
            self.connection, self.is_connected = status["connection"], True
            self.received[self.connection] = []
        elif event == "disconnected":
            expect(status["connection"] == self.connection and self.is_connected,
                   "disconnected without having been connected")
            self.is_connected = False
            self.ends[self.connection] = status["reason"]
            self.disconnects[status["reason"]] += 1
            self.longest_retry_ms = max(status["retry_ms"], self.longest_retry_ms)
        elif event == "shutdown":
            self.has_shut_down = True
        elif not self.has_shut_down:
            expect((status["state"] == "live") == self.is_connected,
                   f"the state is {status['state']}, connected: {self.is_connected}")
            self.waiting_heartbeats += event == "heartbeat" and status["state"] == "down"

    def status_bytes(self, after, last):
        """Of the messages of bridge.status beyond sequence `after`, up to `last`."""
        first = self.status_sequence - len(self._status_sizes) + 1
        return sum(self._status_sizes[after + 1 - first:last + 1 - first])

    def _serves(self, stream):
        return is_private(stream) == (self._audience == "private")

    def _follow_data(self, message, header):
        expect(self._owed_gap is None, "flag 2 without its event")
        expect(self._serves(message.topic), f"{message.topic} on the {self._audience} endpoint")
        expect(self.is_connected and message.connection == self.connection,
               f"connection {message.connection} while connected={self.is_connected} "
               f"to {self.connection}")
        topic = self.topics.setdefault(message.topic, Topic(message.topic))
        topic.fingerprints.append(fingerprint(message.payload, header))
        topic.places.append(self.messages)
        topic.bytes += len(message.payload)
        topic.last_received = message.received
        self.lags.note(message)
        expect(message.sequence == len(topic.fingerprints),
               f"sequence {message.sequence} where {len(topic.fingerprints)} was due")
        data = data_of(message.payload)
        self._check_flags(message, topic, data)
        event = data.get("E", 0)
        expect(message.event == event * 1000,
               f"event time {message.event} though E is {event}")
        self.received[self.connection].append((message.topic, message.payload))

    def _check_flags(self, message, topic, data):
        gap = topic.numbering.follow(data)
        flags = GAP_BEFORE if gap else 0
        if topic.connection != message.connection:
            topic.connection = message.connection
            flags |= FIRST_ON_CONNECTION
        expect(message.flags == flags, f"flags {message.flags} where {flags} was due")
        if gap:
            self._owed_gap = (message.topic, *gap)
