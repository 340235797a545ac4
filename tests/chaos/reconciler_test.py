"""What is made of connections of which nothing came."""

import pathlib
import sys
import types
import unittest
from unittest import mock

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "interop")]
# pylint: disable=wrong-import-position
from reconciler import Reconciler  # noqa: E402
from violation import Violation  # noqa: E402

TRADE = ("trade.SOL_USDC", b"1")
ANSWER = ("", b'{"id":1,"result":null}')


def reconciler(sent, received, ends, ended_in_order=(), written=None):
    """Of what the exchange sent and the public consumer received, connection by connection."""
    truth = types.SimpleNamespace(sent=sent, forget_before=lambda _: None,
                                  written=written or {number: len(frames) for number, frames in sent.items()})
    public = types.SimpleNamespace(received=received, ends=ends)
    return Reconciler(truth, public, types.SimpleNamespace(received={}, ends={}), ended_in_order)


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

    def broken(self, end, ended_in_order=(), written=None):
        """A connection of which the last message never came."""
        last = ("trade.BTC_USDC", b"2")
        return reconciler({4: [TRADE, last], 5: [TRADE]}, {1: [TRADE], 2: [TRADE]}, {1: end}, ended_in_order, written)

    def test_misses_what_was_written_before_the_exchange_ended_a_connection_whatever_the_bridge_says(self):
        for end in ("closed", "reset", "protocol", "oversized"):
            with self.subTest(end):
                self.assertRaises(Violation, self.broken(end, ended_in_order={4}).reconcile, 2)

    def test_misses_nothing_of_a_connection_that_the_exchange_did_not_end_in_order(self):
        self.broken("reset", ended_in_order={3, 5}).reconcile(2)

    def test_misses_nothing_that_was_not_written_to_its_end(self):
        self.broken("reset", ended_in_order={4}, written={4: 1, 5: 1}).reconcile(2)

    @mock.patch("reconciler._ENDED_BY_THE_BRIDGE", ("idle", "mute"))
    def test_misses_nothing_of_a_connection_that_the_bridge_gave_up_on_an_exchange_that_was_held_up(self):
        self.broken("idle", ended_in_order={4}).reconcile(2)


if __name__ == "__main__":
    unittest.main()
