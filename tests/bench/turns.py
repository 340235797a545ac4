"""Turns: what is compared is measured in turn, again and again, so that all see the same machine."""

import statistics
import sys

ATTEMPTS = 3

spoilt = []  # of this run: what was measured again, and why


class Spoilt(RuntimeError):
    """What was measured counts for nothing: something was lost meanwhile. It is measured again; what
    is spoilt every time ends the run."""


def alternate(turns, measures):
    """`measures`: name → function that measures once and returns numbers by name. Name → medians.
    Every second turn goes backwards, so that nobody is always the first."""
    seen = {name: [] for name in measures}
    for turn in range(turns):
        for name in list(measures)[::-1 if turn % 2 else 1]:
            print(f"  turn {turn + 1} of {turns}: {_told(name)}", file=sys.stderr, flush=True)
            seen[name].append(_measured(_told(name), measures[name]))
    return {name: medians(values) for name, values in seen.items()}


def alternate_rows(turns, rows):
    """Where rows too are compared: row → name → function. Row → name → medians."""
    found = alternate(turns, {(row, name): measure for row, measures in rows.items()
                              for name, measure in measures.items()})
    return {row: {name: found[row, name] for name in measures} for row, measures in rows.items()}


def _measured(name, measure):
    for _ in range(1, ATTEMPTS):
        try:
            return measure()
        except Spoilt as why:
            print(f"  again: {why}", file=sys.stderr, flush=True)
            spoilt.append(f"{name}: {why}")
    return measure()


def medians(turns):
    """Of each number, the median over the turns; all that went into it are under `turns`, in the
    order in which they were measured. A number that is itself a table stays one."""
    numbers = {key: [turn[key] for turn in turns] for key, value in turns[0].items()
               if not isinstance(value, dict)}
    tables = {key: medians([turn[key] for turn in turns]) for key, value in turns[0].items()
              if isinstance(value, dict)}
    found = {key: statistics.median(values) for key, values in numbers.items()}
    return {**found, **tables, **({"turns": numbers} if numbers else {})}


def _told(name):
    return ", ".join(map(str, name)) if isinstance(name, tuple) else name
