"""What the exchange says it sent, connection by connection."""

import collections

from violation import Violation

_PIECE = 2_000  # messages
_PIECES = 20  # at a time: on a busy machine there is always more


class Truth:
    """Drains the exchange's record, which is bounded, before it forgets."""

    def __init__(self, exchange):
        self._exchange = exchange
        self._next = 0
        self.sent = collections.defaultdict(list)  # connection → pairs of stream and text
        self.written = collections.Counter()  # connection → how many of these went to TCP for sure, the first ones

    def drain(self):
        """Takes it in pieces that are answered at once: the exchange waits for no slow reader."""
        for _ in range(_PIECES):
            frames = self._exchange.log(self._next, _PIECE)
            for frame in frames:
                self._take(frame)
            if len(frames) < _PIECE:
                return

    def _take(self, frame):
        if frame["n"] != self._next:
            raise Violation(f"the exchange has forgotten what it sent: asked for {self._next}, "
                            f"got {frame['n']}")
        self._next += 1
        if not frame["text"]:
            return  # what makes a client negotiate TLS anew is no frame
        self.sent[frame["connection"]].append((frame["stream"], frame["text"].encode()))
        self.written[frame["connection"]] += frame["completed"]

    def forget_before(self, connection):
        for number in [number for number in self.sent if number < connection]:
            del self.sent[number]
            del self.written[number]
