"""How messages are spaced that come at a rate."""

import typing

FULL_SPEED = "max"  # a rate: as fast as they are read; its pacing is the source's


class Pacing(typing.NamedTuple):
    name: str
    burst: int  # messages that are due at the same time
    is_apart: bool = False  # each in a TLS record, and a write, of its own; otherwise a burst in one


ONE_BY_ONE = Pacing("one by one", 1)
BURSTS = Pacing("in bursts of 100", 100)
BURSTS_APART = Pacing("in bursts of 100, a record each", 100, is_apart=True)
