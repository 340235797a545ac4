"""What a schedule promises to those who repeat a run."""

import pathlib
import re
import unittest

from schedule import KINDS, enabled_kinds, groups, schedule

EXCHANGE = pathlib.Path(__file__).resolve().parents[1] / "exchange/README.md"


class ScheduleTest(unittest.TestCase):
    def test_follows_from_seed_and_seconds(self):
        kinds = enabled_kinds(has_network=True)
        self.assertEqual(schedule(7, 60, kinds), schedule(7, 60, kinds))
        self.assertNotEqual(schedule(7, 60, kinds), schedule(8, 60, kinds))

    def test_has_faults_of_every_group_however_short_it_is(self):
        for seed in range(100):
            for has_network in (True, False):
                kinds = enabled_kinds(has_network)
                struck = {strike.kind for blow in schedule(seed, 1, kinds)
                          for strike in blow.strikes}
                self.assertEqual(groups(struck), groups(kinds))

    def test_has_faults_of_every_kind_where_there_is_time(self):
        kinds = enabled_kinds(has_network=True)
        struck = {strike.kind for blow in schedule(1, 120, kinds) for strike in blow.strikes}
        self.assertEqual(struck, set(KINDS))

    def test_knows_all_that_the_exchange_can_do(self):
        table = EXCHANGE.read_text(encoding="utf-8").split("| kind |")[1]
        kinds = set(re.findall(r"^\| `(\w+)` \| ", table, re.MULTILINE))
        known = {kind.split(":")[0] for kind, (group, *_) in KINDS.items() if group == "exchange"}
        self.assertEqual(kinds - {"heal", "list"}, known)  # which are no faults


if __name__ == "__main__":
    unittest.main()
