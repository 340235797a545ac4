"""What is made of connections of which nothing came."""

import pathlib
import sys
import types
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "interop")]
# pylint: disable=wrong-import-position
from reconciler import Reconciler  # noqa: E402
from violation import Violation  # noqa: E402

TRADE = ("trade.SOL_USDC", b"1")
ANSWER = ("", b'{"id":1,"result":null}')


def reconciler(sent, received, ends):
    """Of what the exchange sent and the public consumer received, connection by connection."""
    truth = types.SimpleNamespace(sent=sent, forget_before=lambda _: None)
    public = types.SimpleNamespace(received=received, ends=ends)
    return Reconciler(truth, public, types.SimpleNamespace(received={}, ends={}))


class ReconcilerTest(unittest.TestCase):
    def test_takes_a_connection_that_broke_for_one_whose_messages_were_lost(self):
        checked = reconciler({1: [TRADE], 2: [TRADE]}, {1: [], 2: [TRADE]}, {1: "reset"})
        checked.reconcile(2, is_complete=True)
        self.assertEqual(checked.messages, 1)

    def test_takes_a_connection_that_ended_in_order_for_one_on_which_nothing_was_said(self):
        checked = reconciler({1: [ANSWER], 2: [TRADE]}, {1: [], 2: [TRADE]}, {1: "closed"})
        checked.reconcile(2, is_complete=True)
        self.assertEqual(checked.messages, 1)

    def test_misses_what_was_said_on_one_that_ended_in_order(self):
        other = ("trade.BTC_USDC", b"2")
        checked = reconciler({1: [ANSWER, other], 2: [TRADE]}, {1: [], 2: [TRADE]}, {1: "closed"})
        self.assertRaises(Violation, checked.reconcile, 2, is_complete=True)

    def test_passes_over_what_the_bridge_never_knew_to_be_a_connection(self):
        other = ("trade.BTC_USDC", b"2")
        checked = reconciler({1: [other], 3: [TRADE]}, {1: [], 2: [TRADE]}, {1: "closed"})
        checked.reconcile(2, is_complete=True)
        self.assertEqual(checked.messages, 1)


if __name__ == "__main__":
    unittest.main()
