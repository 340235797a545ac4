"""How much is measured: enough for figures, or just enough to see that everything works."""

import typing


class Scale(typing.NamedTuple):
    turns: int  # of each, alternating; what is told is their median
    seconds: float  # a load at a set pace
    messages: int  # a load at full speed
    warm_up: int  # messages before anything is measured: by then no history grows any more
    stream_counts: tuple
    scraped_streams: int
    rate_steps: int  # attempts in a search for the greatest rate
    rounds: int  # of memory's load

    def count(self, rate, at_least=0):
        return max(int(rate * self.seconds), at_least)


FULL = Scale(turns=5, seconds=2, messages=500_000, warm_up=400_000,
             stream_counts=(10, 1_000, 10_000), scraped_streams=2_000, rate_steps=12, rounds=6)
QUICK = Scale(turns=1, seconds=0.1, messages=20_000, warm_up=2_000,
              stream_counts=(10, 1_000), scraped_streams=100, rate_steps=2, rounds=2)
