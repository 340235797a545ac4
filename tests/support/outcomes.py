#!/usr/bin/env python3
"""Reads ctest's output, where tests were repeated, and says what it means.

    tests/support/outcomes.py tell               what comes in goes out, with a line `unsteady: NAME` before ctest's summary
                                      for each test that failed and then passed
    tests/support/outcomes.py unsteady FILE...   those lines alone
    tests/support/outcomes.py failures FILE...   a table of the tests that failed, then each one's first failure's output;
                                      status 1 if there were any, or if a run ended early or without any test.
                                      A file may hold the output of several runs, one behind the other
"""

import re
import sys

# `3/20 Test #7: Some.Name ....***Failed    0.01 sec`; without `3/20` where the test is run again. Behind the name
# may stand `  # GetParam() = ...`.
RESULT = re.compile(r"^ *(?:\d+/\d+ )?Test +#\d+: (\S+)(?:  #.*?)? \.+ *(\*\*\*)?([A-Z].*?) +[\d.]+ sec")
RUN = re.compile(r"^Test project ")
START = re.compile(r"^ +Start +\d+: ")
SUMMARY = re.compile(r"^\d+% tests passed, ")


class Outcomes:
    """Of ctest's runs, test by test, in the order in which they first failed."""

    def __init__(self, lines=()):
        self.turns = {}       # name → how often it ran
        self.failed = {}      # name → how often it failed
        self.failures = {}    # name → (kind, turn, output) of its first failure
        self.runs_cut_short = 0
        self._red = set()     # what failed when it ran last
        self._output = None   # of the failure that is being read
        for line in lines:
            self.read(line)

    def read(self, line):
        result = RESULT.match(line)
        if result:
            self._note(*result.groups())
        elif RUN.match(line):
            self._output = None
            self.runs_cut_short += 1  # until it ends
        elif SUMMARY.match(line):
            self._output = None
            self.runs_cut_short -= 1
        elif self._output is not None and not START.match(line):
            self._output.append(line.rstrip("\n"))

    def _note(self, name, starred, kind):
        self.turns[name] = self.turns.get(name, 0) + 1
        self._output = None
        self._red.discard(name)
        if not starred or kind.startswith(("Skipped", "Not Run")):
            return
        self._red.add(name)
        self.failed[name] = self.failed.get(name, 0) + 1
        if name not in self.failures:
            self._output = []
            self.failures[name] = (kind, self.turns[name], self._output)

    @property
    def unsteady(self):
        return [name for name in self.failures if name not in self._red]


def read(paths):
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as file:
            yield path, Outcomes(file)


def name_unsteady(outcomes):
    for name in outcomes.unsteady:
        print(f"unsteady: {name}")


def tell(lines):
    outcomes = Outcomes()
    for line in lines:
        outcomes.read(line)
        if SUMMARY.match(line):
            name_unsteady(outcomes)
        print(line, end="", flush=True)
    return 0


def say_unsteady(paths):
    for _, outcomes in read(paths):
        name_unsteady(outcomes)
    return 0


def say_failures(paths):
    runs = list(read(paths))
    for path, outcomes in runs:
        if not outcomes.turns:
            print(f"no test ran ({path})")
        elif outcomes.runs_cut_short:
            print(f"ctest ended early ({path})")
    failures = [(path, name, f"{outcomes.failed[name]} of {outcomes.turns[name]}", *failure)
                for path, outcomes in runs for name, failure in outcomes.failures.items()]
    if not failures:
        turns = [turns for _, outcomes in runs for turns in outcomes.turns.values()]
        print(f"none of {len(turns)} tests failed in {sum(turns)} turns")
        return 0 if all(outcomes.turns and not outcomes.runs_cut_short for _, outcomes in runs) else 1
    print(f"{'failed':<9}  {'first in turn':<13}  {'how':<20}  test")
    for path, name, failed, kind, turn, _ in failures:
        print(f"{failed:<9}  {turn:<13}  {kind:<20}  {name}  ({path})")
    for path, name, _, kind, turn, output in failures:
        print(f"\n=== {name}: {kind} in turn {turn} ({path})")
        print("\n".join(output).strip("\n"))
    return 1


COMMANDS = {"unsteady": say_unsteady, "failures": say_failures}

if __name__ == "__main__":
    if sys.argv[1:] == ["tell"]:
        sys.stdin.reconfigure(errors="replace")
        sys.exit(tell(sys.stdin))
    if len(sys.argv) < 3 or sys.argv[1] not in COMMANDS:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(COMMANDS[sys.argv[1]](sys.argv[2:]))
