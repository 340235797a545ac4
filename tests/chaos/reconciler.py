"""Compares what consumers received of each connection with what the exchange sent on it."""

import collections
import json

from harness import IS_HEAVY
from programs import is_private
from violation import Violation

# The bridge may have ended a connection itself just before the exchange did, where that was held up.
_ENDED_BY_THE_BRIDGE = () if IS_HEAVY else ("idle", "mute")


class Match:
    """How far `received`, of the public and of the private endpoint, is what was sent."""

    def __init__(self, sent, public, private):
        self._sent = sent
        self.taken = 0  # frames of `sent` that are known to have been read
        self.mismatch = None
        places = {False: 0, True: 0}
        received = {False: public, True: private}
        self.matched = 0
        for index, frame in enumerate(sent):
            if self.matched == len(public) + len(private):
                break
            if not frame[0]:
                continue
            private_one = is_private(frame[0])
            place = places[private_one]
            due = received[private_one]
            if place == len(due) or due[place] != frame:
                self.mismatch = (frame, due[place] if place < len(due) else None)
                break
            places[private_one] += 1
            self.matched += 1
            self.taken = index + 1
        self.is_prefix = self.matched == len(public) + len(private)

    def left_over(self, until=None):
        """What was not received of the first `until` frames."""
        return [frame for frame in self._sent[self.taken:until] if frame[0]]

    def answers(self, taken_for_sure):
        return [text for stream, text in self._sent[:self.taken if taken_for_sure else None]
                if not stream]


class Reconciler:
    """Goes through the connections in their order, each once. `ended_in_order`: those of the exchange's that it ended
    by a Close frame or a FIN while nothing was in the way: TCP delivers what was written to them."""

    def __init__(self, truth, public, private, ended_in_order=()):
        self._truth = truth
        self._public = public
        self._private = private
        self._ended_in_order = ended_in_order
        self._exchange_connection = 0  # that of the one reconciled last
        self._next = 1
        self._silent = []  # connections before the next one of which something came: was one complete?
        self.messages = 0
        self.certain = collections.Counter()  # answers that the bridge has read
        self.possible = collections.Counter()

    def reconcile(self, until, is_complete=False):
        """The connections before `until`; if `is_complete`, that one too, to its last message."""
        while self._next < until:
            self._reconcile(self._next, self._public.ends.get(self._next) == "closed")
            self._next += 1
        if is_complete:
            self._reconcile(until, True)

    def _reconcile(self, connection, is_complete):
        public = self._public.received.pop(connection, [])
        private = self._private.received.pop(connection, [])
        if not public and not private:
            self._silent.append((connection, is_complete))
            return
        match, written = self._find(connection, public, private)
        missing = match.left_over(None if is_complete else self._due(connection, written))
        if missing:
            raise Violation(f"connection {connection} ended in order, but {len(missing)} "
                            "messages of it never came", missing[:3])
        self.messages += match.matched
        for text in match.answers(True):
            self.certain[_kind(text)] += 1
        for text in match.answers(False):
            self.possible[_kind(text)] += 1

    def _due(self, connection, written):
        """How many frames of the connection found last must have come whatever the bridge says of its end."""
        is_due = (self._exchange_connection in self._ended_in_order
                  and self._public.ends.get(connection) not in _ENDED_BY_THE_BRIDGE)
        return written if is_due else 0

    def _place_silent(self, end):
        """Finds for each connection of which nothing came one of the exchange's, in their order, before `end`: one
        that is complete had nothing to say."""
        number = self._exchange_connection
        for connection, is_complete in self._silent:
            number += 1
            if not is_complete:
                continue
            while number < end and any(stream for stream, _ in self._truth.sent.get(number, [])):
                number += 1
            if number >= end:
                raise Violation(f"connection {connection}, of which nothing came, ended in order, but there is none "
                                f"of the exchange's before its {end}. on which it said nothing")
        self._silent.clear()

    def _find(self, connection, public, private):
        """And how many frames of it were written."""
        best = None
        for number in sorted(self._truth.sent):
            if number <= self._exchange_connection:
                continue
            match = Match(self._truth.sent[number], public, private)
            if match.is_prefix:
                self._place_silent(number)
                for skipped in range(self._exchange_connection + 1, number):
                    for stream, text in self._truth.sent.get(skipped, []):
                        if not stream:
                            self.possible[_kind(text)] += 1
                self._exchange_connection = number
                written = self._truth.written[number]
                self._truth.forget_before(number + 1)
                return match, written
            if best is None or match.matched > best[1].matched:
                best = (number, match)
        shown = [f"received: {frame}" for frame in (public + private)[:3]]
        if best:
            frame, got = best[1].mismatch or (None, None)
            shown += [f"the exchange's connection {best[0]} fits for {best[1].matched} messages; "
                      "then", f"sent:     {frame}", f"received: {got}"]
        raise Violation(f"the {len(public)} public and {len(private)} private messages of "
                        f"connection {connection} are no prefix of anything sent", shown)


def _kind(text):
    """An error's code, or `malformed`."""
    try:
        error = json.loads(text).get("error")
        return error["code"] if error else "malformed"
    except (ValueError, AttributeError):
        return "malformed"
