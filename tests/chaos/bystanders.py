"""Consumers that do not keep up: one that is slow, and one that is killed and comes back."""

import os
import pathlib
import signal

from harness import Program, clean_environment
from onlooker import read_records
from violation import Violation, expect

_SHOWN = 5  # holes, of as many as there are
_PROGRAM = str(pathlib.Path(__file__).with_name("onlooker.py"))


class _Onlooker(Program):
    def __init__(self, endpoint, record, pause):
        super().__init__(["/usr/bin/python3", _PROGRAM, endpoint, record, str(pause)],
                         clean_environment())


class Bystander:
    """One life after the other, each with a record of its own."""

    def __init__(self, name, endpoint, directory, pause=0.0):
        self._name = name
        self._endpoint = endpoint
        self._directory = directory
        self._pause = pause
        self.records = []
        self.messages = 0
        self.holes = 0
        self.missing = 0
        self._shown_holes = []
        self._begin()

    def _begin(self):
        self.records.append(os.path.join(self._directory, f"{self._name}.{len(self.records)}"))
        self._process = _Onlooker(self._endpoint, self.records[-1], self._pause)

    def die_and_return(self):
        self._process.stop(signal.SIGKILL)
        self._begin()

    def hurry(self):
        self._process.send(signal.SIGUSR1)

    def has_heard_beyond(self, topic, sequence):
        return os.path.exists(self.records[-1]) and any(
            record[0] == topic and record[1] > sequence for record in read_records(self.records[-1]))

    def check(self, follower):
        """Each life saw some of what `follower` saw, unaltered, in its order, each message once."""
        for path in self.records:
            if os.path.exists(path):
                self._check_life(path, follower)

    def expect_no_holes(self):
        """Of one that keeps up. What came before a life, or between two, it does not miss."""
        expect(self.holes == 0, lambda: f"{self._name} misses {self.missing} messages in {self.holes} holes: "
                                        + "; ".join(self._shown_holes))

    def _check_life(self, path, follower):
        last_place = -1
        seen = {}
        for name, sequence, fingerprint in read_records(path):
            if name.startswith("bridge."):
                continue
            topic = follower.topics.get(name)
            shown = f"{self._name} received {name} {sequence}"
            if topic is None or sequence > len(topic.fingerprints):
                raise Violation(f"{shown}, which nobody else did")
            expect(topic.fingerprints[sequence - 1] == fingerprint, f"{shown}, but altered")
            place = topic.places[sequence - 1]
            expect(place > last_place, f"{shown} out of order or twice")
            last_place = place
            before = seen.get(name)
            if before is not None and sequence != before + 1:
                self.holes += 1
                self.missing += sequence - before - 1
                if len(self._shown_holes) < _SHOWN:
                    self._shown_holes.append(f"{name} {sequence} behind {before} in {os.path.basename(path)}")
            seen[name] = sequence
            self.messages += 1

    def __enter__(self):
        return self

    def end(self):
        self._process.stop(signal.SIGKILL)

    def __exit__(self, *_):
        self.end()
