"""What the consumer of books calls wrong."""

import json
import pathlib
import struct
import sys
import unittest

import zmq

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "interop")]
# pylint: disable=wrong-import-position
from books import Books  # noqa: E402
from harness import DEADLINE, wait_until  # noqa: E402
from message import END_OF_REPLAY, STATUS  # noqa: E402
from violation import Violation  # noqa: E402

DEPTH = "depth.SOL_USDC"
REPLAY = 1


class BooksTest(unittest.TestCase):
    """One side is the test: it answers what it is asked."""

    def setUp(self):
        self._bridge = zmq.Context.instance().socket(zmq.XPUB)
        self._bridge.linger = 0
        self.addCleanup(self._bridge.close)
        port = self._bridge.bind_to_random_port("tcp://127.0.0.1")
        self.books = self.enterContext(Books(f"tcp://127.0.0.1:{port}", [DEPTH]))

    def _say(self, topic, payload, flags=0):
        header = struct.pack("<BBHIQQqqq", 1, 48, flags, 1, 1, 1, 1, 0, 1)
        self._bridge.send_multipart([topic.encode(), payload.encode(), header])

    def say(self, first, last, price="1"):
        data = {"U": first, "u": last, "a": [[price, "1"]], "b": []}
        self._say(DEPTH, json.dumps({"data": data, "stream": DEPTH}))

    def answer(self, last=None, price="1"):
        """Without `last`: that there is no book."""
        self.books.ask()
        topic = self._asked()
        book = json.dumps({"lastUpdateId": str(last), "asks": [[price, "1"]], "bids": []})
        self._say(topic, book if last else "", REPLAY if last else REPLAY | END_OF_REPLAY)
        wait_until(self.books.is_answered, "the answer to arrive")

    def _asked(self):
        while self._bridge.poll(DEADLINE * 1000):
            frame = self._bridge.recv()
            if frame[0] and frame[1:].startswith(b"bridge.book/"):
                return frame[1:].decode()
        raise AssertionError("no book was asked for")

    def test_is_right_where_it_is_what_came_live(self):
        self.answer(5)
        self.say(6, 7)
        self.answer(7)
        self.assertEqual(self.books.compared[DEPTH], 1)

    def test_says_nothing_where_nothing_came(self):
        self.answer(5)
        self.answer(5)
        self.assertEqual(self.books.compared[DEPTH], 0)

    def test_is_wrong_where_a_level_differs_or_an_update_is_missing(self):
        self.answer(5)
        self.say(6, 7, price="2")
        self.assertRaises(Violation, self.answer, 7)

    def test_is_wrong_where_it_is_not_as_old_as_what_came_before_it(self):
        self.answer(5)
        self.say(6, 7)
        self.assertRaises(Violation, self.answer, 6)

    def test_may_be_missing_until_it_is_there_and_once_the_connection_broke_or_ids_were_skipped(self):
        self.answer()
        self.answer(5)
        self._say(STATUS, '{"event":"disconnected"}')
        self.answer()
        self.answer(5)
        self.say(7, 8)
        self.answer()
        self.assertEqual(self.books.missing, 3)

    def test_is_wrong_where_it_is_missing_for_no_reason(self):
        self.answer(5)
        self.assertRaises(Violation, self.answer)


if __name__ == "__main__":
    unittest.main()
