"""The exchange's ids: which are expected next, and whether some are missing."""

import json


def _is_id(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


class Numbering:
    """Of one stream, within and across connections."""

    def __init__(self, stream):
        kind = stream.split(".")[0]
        self._members = {"depth": ("U", "u"), "trade": ("t", "t")}.get(kind)
        self._next = None
        self._after_old = None  # what goes on from the last message, if that was an old one
        self._newest = 0  # the latest event's time
        self.gaps = 0
        self.missing = 0

    def follow(self, data):
        """The ids expected and got, where there is a hole before this message, or the exchange
        counts anew from it; else None."""
        if not self._members:
            return None
        first, last = (data.get(member) for member in self._members)
        if not (_is_id(first) and _is_id(last)) or (self._members[0] == "t" and first == 0):
            return None
        time, newest = data.get("E") or 0, self._newest
        self._newest = max(time, newest)
        if self._next is not None and last + 1 < self._next:  # old: said again, or a new count
            goes_on, self._after_old = self._after_old == first, last + 1
            if not goes_on and not time > newest > 0:
                return None
        elif self._next is None or first <= self._next or last + 1 == self._next:
            self._next, self._after_old = last + 1, None
            return None
        expected, self._next, self._after_old = self._next, last + 1, None
        self.gaps += 1
        self.missing += max(0, first - expected)
        return expected, first


def data_of(payload):
    return json.loads(payload)["data"]
