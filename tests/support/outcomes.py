#!/usr/bin/env python3
"""Reads ctest's output, where tests were repeated, and says what it means.

    tests/support/outcomes.py unsteady FILE...   a line `unsteady: NAME` for each test that failed and then passed
    tests/support/outcomes.py failures FILE...   a table of the tests that failed, then each one's first failure's output;
                                      status 1 if there were any, or if no test ran in one of the runs
"""

import re
import sys

# `3/20 Test #7: Some.Name ....***Failed    0.01 sec`; without `3/20` where the test is run again.
RESULT = re.compile(r"^ *(?:\d+/\d+ )?Test +#\d+: (\S+) \.*\s*(\*\*\*)?(\S.*?) +[\d.]+ sec")
START = re.compile(r"^ +Start +\d+: ")
SUMMARY = re.compile(r"^\d+% tests passed, ")
LISTED = re.compile(r"^\t *\d+ - (\S+) \((.+)\)$")


class Outcomes:
    """Of one run of ctest, test by test, in the order in which they first failed."""

    def __init__(self, lines):
        self.turns = {}     # name → how often it ran
        self.failures = {}  # name → (kind, turn, output) of its first failure
        self.red = set()    # what ctest itself names as failed in the end
        self._read(lines)

    def _read(self, lines):
        output = None  # of the failure that is being read
        is_summary = False
        for line in lines:
            result = RESULT.match(line)
            if result:
                name, starred, kind = result.groups()
                self.turns[name] = self.turns.get(name, 0) + 1
                output = None
                if starred and not kind.startswith(("Skipped", "Not Run")) and name not in self.failures:
                    output = []
                    self.failures[name] = (kind, self.turns[name], output)
            elif SUMMARY.match(line):
                output, is_summary = None, True
            elif is_summary:
                listed = LISTED.match(line)
                if listed and listed[2] not in ("Skipped", "Disabled"):
                    self.red.add(listed[1])
            elif output is not None and not START.match(line):
                output.append(line.rstrip("\n"))

    @property
    def unsteady(self):
        return [name for name in self.failures if name not in self.red]


def read(paths):
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as file:
            yield path, Outcomes(file)


def say_unsteady(paths):
    for _, outcomes in read(paths):
        for name in outcomes.unsteady:
            print(f"unsteady: {name}")
    return 0


def say_failures(paths):
    runs = list(read(paths))
    empty = [path for path, outcomes in runs if not outcomes.turns]
    for path in empty:
        print(f"no test ran ({path})")
    failures = [(path, name, *failure)
                for path, outcomes in runs for name, failure in outcomes.failures.items()]
    if not failures:
        turns = [turns for _, outcomes in runs for turns in outcomes.turns.values()]
        print(f"none of {len(turns)} tests failed in {sum(turns)} turns")
        return 1 if empty else 0
    print(f"{'turn':>4}  {'how':<20}  test")
    for path, name, kind, turn, _ in failures:
        print(f"{turn:>4}  {kind:<20}  {name}  ({path})")
    for path, name, kind, turn, output in failures:
        print(f"\n=== {name}: {kind} in turn {turn} ({path})")
        print("\n".join(output).strip("\n"))
    return 1


COMMANDS = {"unsteady": say_unsteady, "failures": say_failures}

if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in COMMANDS:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(COMMANDS[sys.argv[1]](sys.argv[2:]))
