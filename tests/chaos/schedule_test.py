"""What a schedule promises to those who repeat a run."""

import pathlib
import re
import unittest

from schedule import BIG_STEP, ENDINGS, KINDS, enabled_kinds, faults_in, groups, schedule

GATE = pathlib.Path(__file__).with_name("CMakeLists.txt")
EXCHANGE = pathlib.Path(__file__).resolve().parents[1] / "exchange/README.md"


def strikes_of(blows):
    return [strike for blow in blows for strike in blow.strikes]


def kinds_of(blows):
    return {strike.kind for strike in strikes_of(blows)}


class ScheduleTest(unittest.TestCase):
    def test_follows_from_seed_and_seconds(self):
        kinds = enabled_kinds(has_network=True)
        self.assertEqual(schedule(7, kinds, 60), schedule(7, kinds, 60))
        self.assertNotEqual(schedule(7, kinds, 60), schedule(8, kinds, 60))

    def test_has_as_many_faults_as_are_asked_for(self):
        kinds = enabled_kinds(has_network=True)
        for count in (1, 100, 1000):
            blows = schedule(7, kinds, faults=count)
            self.assertGreaterEqual(faults_in(blows), count)
            self.assertEqual(groups(kinds_of(blows)), groups(kinds))
            if len(blows) > len(groups(kinds)):
                self.assertLess(faults_in(blows[:-1]), count)

    def test_has_faults_of_every_group_however_short_it_is(self):
        for seed in range(100):
            for has_network in (True, False):
                kinds = enabled_kinds(has_network)
                self.assertEqual(groups(kinds_of(schedule(seed, kinds, 1))), groups(kinds))

    def test_has_faults_of_every_kind_where_there_is_time(self):
        kinds = enabled_kinds(has_network=True)
        self.assertEqual(kinds_of(schedule(1, kinds, 120)), set(KINDS))

    def test_of_the_gate_has_all_that_a_worst_day_brings(self):
        seconds, seed = re.search(r"run --seconds (\d+) --seed (\d+)", GATE.read_text(encoding="utf-8")).groups()
        self.assertEqual(int(seed) % 2, 1, "where it is odd, the log goes to a disk that gets full")
        blows = schedule(int(seed), enabled_kinds(has_network=True), int(seconds))
        struck = kinds_of(blows)
        self.assertEqual({kind for kind, (group, *_) in KINDS.items() if group != "exchange"} - struck, set())
        self.assertLessEqual({"drop", "silent", "certificate", "renegotiate", "garbage:text", "skip_ids", "repeat"}, struck)
        steps = {strike.parameters["seconds"] for strike in strikes_of(blows) if strike.kind == "clock_step"}
        self.assertLessEqual(min(steps), -BIG_STEP)
        self.assertGreaterEqual(max(steps), BIG_STEP)

    def test_stops_the_bridge_for_longer_where_there_is_time(self):
        def longest_stop(seconds):
            return max(strike.seconds for seed in range(20)
                       for strike in strikes_of(schedule(seed, ["stop", "drop"], seconds)) if strike.kind == "stop")
        self.assertLess(longest_stop(20), 3)
        self.assertGreater(longest_stop(600), 5)

    def test_knows_when_the_bridge_must_say_that_it_is_down(self):
        blows = schedule(1, enabled_kinds(has_network=True), faults=1000)
        refusing = [blow for blow in blows if blow.keeps_off]
        self.assertGreater(len(refusing), 30)
        for blow in refusing:
            self.assertEqual(blow.strikes[-1].kind, "drop")
            self.assertFalse(blow.costs_no_connection)

    def test_knows_where_the_exchange_ends_a_connection_in_order(self):
        in_order = [blow for blow in schedule(1, enabled_kinds(has_network=True), faults=1000) if blow.ends_in_order]
        self.assertEqual(kinds_of(in_order) & ENDINGS, ENDINGS)
        for blow in in_order:
            kinds = [strike.kind for strike in blow.strikes]
            self.assertEqual(len([kind for kind in kinds if kind in ENDINGS]), 1)
            self.assertNotIn(True, [strike.parameters.get("reset") for strike in blow.strikes])
            self.assertFalse({"loss", "cut", "reset", "stop", "memory_limit", "file_limit", "slow", "silent", "deaf",
                              "huge", "garbage:bytes", "renegotiate"} & set(kinds))

    def test_negotiates_anew_where_that_can_be_done(self):
        for blow in schedule(1, enabled_kinds(has_network=True), faults=1000):
            kinds = [strike.kind for strike in blow.strikes]
            if "renegotiate" in kinds:
                self.assertEqual(kinds[:2], ["tls_version", "drop"])
                self.assertEqual(blow.strikes[0].parameters, {"which": "tls12"})

    def test_knows_all_that_the_exchange_can_do(self):
        table = EXCHANGE.read_text(encoding="utf-8").split("| kind |")[1]
        kinds = set(re.findall(r"^\| `(\w+)` \| ", table, re.MULTILINE))
        known = {kind.split(":")[0] for kind, (group, *_) in KINDS.items() if group == "exchange"}
        self.assertEqual(kinds - {"heal", "list"}, known)  # which are no faults


if __name__ == "__main__":
    unittest.main()
