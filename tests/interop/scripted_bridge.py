"""A bridge of which a test says what it says, and what of that gets lost on the way to its consumers."""

import functools
import json
import struct
import time

import zmq

from harness import wait_until

REPLAY, FIRST, END = 1, 4, 8


class ScriptedBridge:
    """Carries one stream, and keeps all of it for replay. Does nothing but within wait_until."""

    HEARTBEAT = 0.05  # seconds

    def __init__(self, port, stream):
        self.stream = stream
        self.texts = []  # of the stream; the first has sequence 1
        self.book = ""  # of the stream; empty: none is in sync
        self.subscribed = set()  # topics
        self.asked = []  # from which sequence of the stream on, one for each request
        self.asked_at = []  # when these were, in seconds of time.monotonic
        self.books_asked = []  # likewise
        self.beats = True
        self.answers = True  # to requests for a replay
        self.unanswered = []  # functions: the answers, as of then, to those that came while it did not
        self.knows = True  # its stream, where that is asked for
        self.lost_in_replays = []  # a set of sequences for each replay to come that is not whole
        self.meanwhile = lambda: None  # what is done once after the first message of a replay
        self._epoch = 1_788_367_430_323_775
        self._statuses, self._heartbeat_at = 0, 0
        self._socket = zmq.Context.instance().socket(zmq.XPUB)
        self._socket.linger = 0
        self._socket.sndhwm = self._socket.rcvhwm = 0
        self._socket.bind(f"tcp://127.0.0.1:{port}")

    def say(self, is_lost=False, flags=0, data=None):
        data = data or f'{{"t":{len(self.texts) + 1}}}'
        self.texts.append(f'{{"data":{data},"stream":"{self.stream}"}}')
        if not is_lost:
            self._send(self.stream, flags, len(self.texts), self.texts[-1])

    def beat(self):
        self._heartbeat_at = time.monotonic() + self.HEARTBEAT
        self._statuses += 1
        status = {"event": "heartbeat", "state": "live", "connection": 1}
        self._send("bridge.status", 0, self._statuses, json.dumps(status))

    def lose_status(self):
        self._statuses += 1

    def restart(self):
        """Another bridge, which has said nothing yet; consumers keep their connections."""
        self._epoch += 1
        self._statuses = 0
        self.texts, self.asked, self.asked_at = [], [], []

    def wait_until(self, holds, what):
        def turn():
            self._serve()
            return holds()
        return wait_until(turn, what)

    def _send(self, topic, flags, sequence, text):
        header = struct.pack("<BBHIQQqqq", 1, 48, flags, 1, self._epoch, sequence, 1, 0, 1)
        self._socket.send_multipart([topic.encode(), text.encode(), header])

    def _serve(self):
        if self.beats and time.monotonic() > self._heartbeat_at:
            self.beat()
        while self._socket.poll(0):
            subscription = self._socket.recv()
            topic = subscription[1:].decode()
            self.subscribed.add(topic)
            if not subscription[0]:
                continue
            if topic.startswith(f"bridge.replay/{self.stream}/"):
                self._on_request(topic)
            elif topic.startswith("bridge.replay/"):
                self._send(topic, REPLAY | END, 0, "")
            elif topic.startswith("bridge.book/"):
                self.books_asked.append(time.monotonic())
                self._send(topic, REPLAY if self.book else REPLAY | END, len(self.texts), self.book)

    def _on_request(self, topic):
        first = int(topic.split("/")[2])
        self.asked.append(first)
        self.asked_at.append(time.monotonic())
        answer = functools.partial(self._answer, topic, first, len(self.texts) if self.knows else 0)
        if self.answers:
            answer()
        else:
            self.unanswered.append(answer)

    def _answer(self, topic, first, known):
        lost = self.lost_in_replays.pop(0) if self.lost_in_replays else ()
        for sequence in range(first, known + 1):
            if sequence not in lost:
                self._send(topic, REPLAY, sequence, self.texts[sequence - 1])
            self.meanwhile()
            self.meanwhile = lambda: None
        self._send(topic, REPLAY | END, known, "")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
