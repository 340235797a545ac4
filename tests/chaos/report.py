"""What a run has to say for itself."""

import collections
import time

from harness import IS_HEAVY
from schedule import faults_in, groups


class Report:
    """`length`: as on the command line."""

    def __init__(self, seed, length, kinds):
        heavy = "BPX_HEAVY=1 " if IS_HEAVY else ""
        self.command = f"{heavy}tests/chaos/run {length} --seed {seed}"
        self.kinds = kinds
        self.injected = collections.Counter()
        self.recoveries = []  # pairs of seconds and what it was from
        self.left_out = []
        self.figures = {}
        self._started = time.monotonic()

    def say_schedule(self, blows):
        print(f"{self.command}: {len(blows)} blows, {faults_in(blows)} faults")
        for number, blow in enumerate(blows):
            print(f"  {number:3} at {blow.at:7.2f} s, {blow.seconds:4.2f} s: {describe(blow)}")
        self._say_left_out()
        print(flush=True)

    def note(self, blow, struck, recovery):
        """`struck`: the kinds, of those of the blow, that came to it."""
        self.injected.update(struck)
        self.recoveries.append((recovery, describe(blow)))

    def missing_groups(self):
        return groups(self.kinds) - groups(self.injected)

    def say_summary(self):
        longest, what = max(self.recoveries, default=(0.0, "nothing"))
        print(f"seconds             {time.monotonic() - self._started:.0f}")
        print(f"faults injected     {self.injected.total()}: "
              + ", ".join(f"{kind} {count}" for kind, count in sorted(self.injected.items())))
        for name, figure in self.figures.items():
            print(f"{name:19} {figure}")
        print(f"longest recovery    {longest:.2f} s, from {what}")
        self._say_left_out()

    def _say_left_out(self):
        """In the end too, where it is seen: status 0 tells nothing of it."""
        if self.left_out:
            print(f"LEFT OUT: {'; '.join(self.left_out)}", flush=True)

    def say_failure(self, failure, directory):
        print(f"\nFAILED: {failure}")
        for message in getattr(failure, "messages", []):
            text = str(message)
            print("  " + (text if len(text) < 600 else text[:600] + "…"))
        print(f"repeat with: {self.command}")
        if directory:
            print(f"logs are in: {directory}", flush=True)


def describe(blow):
    return " + ".join(
        strike.kind + "".join(f" {name}={_short(value)}"
                              for name, value in strike.parameters.items())
        + (f" for {strike.seconds} s" if strike.seconds else "") for strike in blow.strikes)


def _short(value):
    text = str(value)
    return repr(text if len(text) < 24 else text[:24] + "…") if isinstance(value, str) else text
