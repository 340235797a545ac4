"""That what the bridge says of delays is compared with what its messages say."""

import pathlib
import sys
import types
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "interop")]
# pylint: disable=wrong-import-position
from lags import TYPES, Lags  # noqa: E402
from metrics import Metrics  # noqa: E402
from violation import Violation  # noqa: E402

SECOND = 10**9

TRUE = {("trade", "seconds_count"): 2, ("trade", "seconds_sum"): 0.25, ("trade", "negative_total"): 1,
        ("trade", "negative_seconds_total"): 2.0, ("other", "seconds_count"): 1, ("other", "seconds_sum"): 1.0}


def message(topic, lag_ns):
    event = 1_700_000_000 * SECOND
    return types.SimpleNamespace(topic=topic, event=event, received=event + lag_ns)


def metrics(lags, forwarded):
    lines = [f'backpack_bridge_exchange_lag_{name}{{type="{kind}"}} {lags.get((kind, name), 0)}'
             for kind in TYPES
             for name in ("seconds_count", "seconds_sum", "negative_total", "negative_seconds_total")]
    return Metrics("\n".join([*lines, f"backpack_bridge_forward_seconds_count {forwarded}"]))


class LagsTest(unittest.TestCase):
    def setUp(self):
        public, private = Lags(), Lags()
        public.note(message("trade.SOL_USDC", SECOND // 4))
        public.note(message("trade.BTC_USDC", -2 * SECOND))
        public.note(types.SimpleNamespace(topic="depth.SOL_USDC", event=0, received=SECOND))
        private.note(message("account.unaskedUpdate", SECOND))
        self.lags = public + private

    def test_that_are_true_pass(self):
        self.lags.check(metrics(TRUE, forwarded=4))

    def test_that_any_figure_tells_otherwise_fail(self):
        for figure, true in TRUE.items():
            with self.subTest(figure), self.assertRaises(Violation):
                self.lags.check(metrics({**TRUE, figure: true + 1}, forwarded=4))

    def test_of_a_type_of_which_nothing_came_fail(self):
        self.assertRaises(Violation, self.lags.check, metrics({**TRUE, ("kline", "seconds_count"): 1}, forwarded=4))

    def test_of_fewer_messages_than_came_fail(self):
        self.assertRaises(Violation, self.lags.check, metrics(TRUE, forwarded=3))


if __name__ == "__main__":
    unittest.main()
