"""A load source, what is measured, and consumers behind it, put together."""

import contextlib
import itertools
import os
import string
import tempfile
import time

import executables
from conversation import Conversation
from pacing import FULL_SPEED, ONE_BY_ONE
from turns import Spoilt

PATIENCE = 120.0  # seconds for what takes one or two


def streams(count):
    """Names of so many streams, of four kinds; as long as SOL_USDC's, so that messages are too."""
    kinds = ["depth", "bookTicker", "trade", "markPrice"]
    tokens = map("".join, itertools.product(string.ascii_uppercase, repeat=3))
    names = (f"{kind}.{token}_USDC" for token in tokens for kind in kinds)
    return list(itertools.islice(names, count))


class Source(Conversation):
    def __init__(self, deflate=False):
        self._directory = tempfile.TemporaryDirectory()
        self.ca_file = os.path.join(self._directory.name, "ca.pem")
        super().__init__([executables.path_of("source"), self.ca_file,
                          *(["--deflate"] if deflate else [])])
        self.port = self.hear()["port"]
        self.url = f"wss://127.0.0.1:{self.port}"
        self.next = 1  # number of the next message that is measured

    def go(self, rate, pacing, count):
        """Says so many numbered messages; returns how long that took, and their bytes."""
        apart = ["apart"] if pacing.is_apart else []
        said = self.ask("go", rate, pacing.burst, count, *apart, deadline=PATIENCE)
        self.next += count
        return said

    def __exit__(self, *_):
        super().__exit__()
        self._directory.cleanup()


class Consumers(Conversation):
    def __init__(self, endpoint, count=1):
        super().__init__([executables.path_of("consumer"), endpoint, str(count)])


class Rig(contextlib.ExitStack):
    """`subject` (a class) with so many streams and consumers, ready: everything is subscribed.

    Of `warm_up` messages at full speed nobody gets any: they come before the consumers."""

    def __init__(self, subject, stream_count=10, consumers=1, deflate=False, warm_up=0):
        super().__init__()
        names = streams(stream_count)
        self.source = self.enter_context(Source(deflate))
        self.subject = self.enter_context(subject(self.source, names, deflate))
        self._wait_for_subscriptions(stream_count)
        if self.source.ask("state")["deflates"] != deflate:
            raise RuntimeError(f"{subject.name} has {'not ' if deflate else ''}agreed on permessage-deflate")
        if warm_up:
            self.source.go(FULL_SPEED, ONE_BY_ONE, warm_up)
            self._settle_with_all()
        self.consumers = None
        self._listeners = consumers
        if consumers:
            self.consumers = self.enter_context(Consumers(self.subject.endpoint, consumers))
            self.source.ask("filler", 100)  # few enough for sixty-four on a busy machine
            self.consumers.ask("await")
            self.source.ask("filler", 0)
        self.settle()

    def _wait_for_subscriptions(self, count):
        end = time.monotonic() + PATIENCE
        while self.source.ask("state")["streams"] < count:
            self.subject.require_running()
            if time.monotonic() > end:
                raise RuntimeError(f"{self.subject.name} has not subscribed to everything")
            time.sleep(0.01)

    def ignore(self):
        """From now on the consumers subscribe to nothing; they remain connected."""
        self.consumers.ask("ignore")
        self._listeners = 0
        self._settle_with_all()

    def settle(self):
        """Returns once the subject has done what there was to do; its CPU time then."""
        end = time.monotonic() + PATIENCE
        before, now = -1, self.subject.cpu_ns()
        while now - before > 2e6:  # of 50 ms
            if time.monotonic() > end:
                raise RuntimeError(f"{self.subject.name} does not come to rest")
            time.sleep(0.05)
            before, now = now, self.subject.cpu_ns()
        self.subject.require_running()
        return now

    def _settle_with_all(self):
        """The same, once it has all that was said, where it counts that: on a busy machine one that is kept from its
        work looks as if there were none. It is asked when it rests, for an answer costs it time."""
        end = time.monotonic() + PATIENCE
        while True:
            at_rest = self.settle()
            said, received = self.source.ask("state")["said"], self.subject.received()
            if received is None or received >= said:
                return at_rest
            if time.monotonic() > end:
                raise Spoilt(f"{self.subject.name} received {received} of {said} messages")

    def load(self, rate, pacing, count, silence_ms=10_000):
        """What became of so many messages: CPU time a message of the subject and of the source, bytes
        a message, and what the consumers saw. What has not come when nothing comes for so long is
        lost. Where nobody listens, what the subject counts must be there instead."""
        if self.consumers:
            self.consumers.ask("measure", self.source.next, count)
        counted = None if self._listeners else self.subject.received()
        before, source_before = self.subject.cpu_ns(), self.source.cpu_ns()
        said = self.source.go(rate, pacing, count)
        source_after = self.source.cpu_ns()
        seen = self._result(silence_ms) if self._listeners else {}
        after = self.settle() if self._listeners else self._settle_with_all()
        if not self._listeners:
            self._require_unheard(counted, count)
        return {**seen, "cpu_ns": (after - before) / count, "said_in": said["seconds"],
                "source_ns": (source_after - source_before) / count,
                "mean_bytes": said["bytes"] / count}

    def _result(self, silence_ms):
        return self.consumers.ask("result", silence_ms, deadline=PATIENCE)

    def _require_unheard(self, counted, count):
        if self.consumers and self._result(0)["received"]:
            raise RuntimeError("a consumer got what it does not subscribe to")
        if counted is not None and (got := self.subject.received() - counted) != count:
            raise Spoilt(f"{self.subject.name} received {got} of {count} messages")
