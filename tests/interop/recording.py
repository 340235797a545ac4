"""What a bridge's metrics said before, during and after a fault, played to the alert rules.

promtool plays it in a time of its own: seconds of a real bridge become the hours for which alerts
wait, in milliseconds. What counts messages goes on rising as it did between two looks.
"""

import pathlib
import re
import subprocess
import tempfile
import time
import typing

import yaml

from harness import ROOT

RULES = ROOT / "deploy/prometheus/alerts.yml"
TARGET = 'job="backpack-bridge",instance="bridge:9464"'
STEP = 15  # seconds between two scrapes: phases last for multiples of it
EVALUATED = 30  # seconds between two evaluations: no alert waits for less

# What the rules look at, and nothing else: a bridge has hundreds of series.
WATCHED = set(re.findall(r"\b(?:backpack_bridge_|process_)\w+", RULES.read_text(encoding="utf-8")))


class Look:
    """What /metrics says at one time, by series as it stands there."""

    def __init__(self, text):
        self.at = time.time()
        self.types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
        self.values = {series: float(value) for series, value in
                       re.findall(r"^(\w+(?:\{.*\})?) (\S+)$", text, re.MULTILINE)}

    def __getitem__(self, series):
        """Of the series, without the bridge's prefix."""
        return self.values["backpack_bridge_" + series]


class Phase(typing.NamedTuple):
    """Two looks between which nothing changed but what goes on changing, and for how long that is
    played. No looks: nobody answers."""
    seconds: int
    begin: typing.Optional[Look] = None
    end: typing.Optional[Look] = None
    is_target: bool = True  # Prometheus knows of the bridge

    @property
    def steps(self):
        return self.seconds // STEP


def is_last_message(series):
    return series.startswith("backpack_bridge_stream_last_message_timestamp_seconds")


def counts_messages(series):
    return re.match(r"backpack_bridge_(received|published|exchange_lag|forward)_", series)


def is_counter(look, series):
    family = re.match(r"(\w+?)(_bucket|_sum|_count)?(\{|$)", series)[1]
    return look.types[family] in ("counter", "histogram")


class Player:
    """Puts one series' parts together, in promtool's notation."""

    def __init__(self, series):
        self._series = series
        self._now = 0        # second of the play
        self._real = self._played = 0.0  # what a counter had come to

    def part(self, phase):
        starts_at, self._now = self._now, self._now + phase.seconds
        if phase.end is None or self._series not in phase.end.values:
            return f"stale _x{phase.steps - 1}"
        begin, end = phase.begin.values.get(self._series, 0), phase.end.values[self._series]
        if is_last_message(self._series) and end > 0:
            slope = STEP if end > begin else 0
            return self._line(starts_at - (phase.end.at - end), slope, phase)
        if not is_counter(phase.end, self._series):
            return self._line(end, 0, phase)
        return self._counted(begin, end, phase)

    def _counted(self, begin, end, phase):
        """Goes on from where the play has come to, unless the bridge itself began anew."""
        value = end if end < self._real else self._played + end - self._real
        slope = 0
        if counts_messages(self._series) and end > begin:
            slope = (end - begin) / (phase.end.at - phase.begin.at) * STEP
        self._real, self._played = end, value + slope * (phase.steps - 1)
        return self._line(value, slope, phase)

    @staticmethod
    def _line(value, slope, phase):
        return f"{value:f}{slope:+f}x{phase.steps - 1}"


def labelled(series):
    """As Prometheus stores what it scrapes of the target."""
    name, _, labels = series.partition("{")
    return f"{name}{{{TARGET}}}" if not labels else f"{name}{{{TARGET},{labels}"


def timeline(phases):
    """promtool's input series."""
    everything = {series for phase in phases if phase.end for series in phase.end.values
                  if re.sub(r"\{.*", "", series) in WATCHED}
    series = {}
    for one in everything:
        player = Player(one)
        series[labelled(one)] = " ".join(player.part(phase) for phase in phases)
    series[f"up{{{TARGET}}}"] = " ".join(
        f"{int(phase.end is not None)}x{phase.steps - 1}" if phase.is_target
        else f"stale _x{phase.steps - 1}" for phase in phases)
    return [{"series": name, "values": values} for name, values in series.items()]


def expectation(expression, at, alerts):
    return {"expr": f"group by (alertname) ({expression})", "eval_time": f"{at}s",
            "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1}
                            for alert in sorted(alerts)]}


def firing(but):
    return f'ALERTS{{alertstate="firing",alertname!~"{"|".join(sorted(but))}"}}'


def complaint(phases, alerts, lasting=frozenset(), unjudged=frozenset()):
    """What promtool says against it that from the second phase on just `alerts` fire, at some time or
    other, and just those `lasting` in the end; empty where nothing. Further ones may, if `unjudged`."""
    end = sum(phase.seconds for phase in phases) - STEP
    since = end - phases[0].seconds
    test = {"rule_files": [str(RULES)], "evaluation_interval": f"{EVALUATED}s",
            "tests": [{"interval": f"{STEP}s", "input_series": timeline(phases),
                       "promql_expr_test": [
                           expectation(f"max_over_time({firing(unjudged - alerts)}[{since}s])", end, alerts),
                           expectation(firing(unjudged - lasting), end, lasting)]}]}
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory, "test.yml")
        file.write_text(yaml.safe_dump(test))
        result = subprocess.run(["promtool", "test", "rules", str(file)], text=True,
                                capture_output=True, check=False)
    return result.stdout + result.stderr if result.returncode else ""
