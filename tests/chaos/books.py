"""A consumer of books: joins again and again, applies what is said live, and compares the two."""

import decimal
import itertools
import json
import time

import zmq

from listener import Arrived
from message import END_OF_REPLAY, decode
from numbering import data_of
from violation import expect

REQUEST = "bridge.book/"


class Book:
    """One side's and the other's levels: price → the texts of price and quantity."""

    def __init__(self, answer):
        self.update_id = int(answer["lastUpdateId"])
        self._sides = {side: {} for side in ("asks", "bids")}
        for side, levels in self._sides.items():
            self._set(levels, answer[side])

    @staticmethod
    def _set(levels, changes):
        for price, quantity in changes:
            value = decimal.Decimal(price)
            if decimal.Decimal(quantity) == 0:
                levels.pop(value, None)
            else:
                levels[value] = (price, quantity)

    def apply(self, update):
        self._set(self._sides["asks"], update["a"])
        self._set(self._sides["bids"], update["b"])
        self.update_id = update["u"]

    def levels(self):
        return {side: [list(levels[value]) for value in sorted(levels)] for side, levels in self._sides.items()}


class Books:
    """Of `streams`, on one socket, so that answers have their place among what is live."""

    def __init__(self, endpoint, streams):
        self._ids = itertools.count(1)
        self._requests = {}  # topic → stream
        self._asked_at = 0.0
        self._books = {}  # stream → what it holds, where it holds one
        self.compared = 0
        self.missing = 0
        self._socket = zmq.Context.instance().socket(zmq.SUB)
        self._socket.rcvhwm = 0
        self._socket.linger = 0
        for stream in streams:
            self._socket.subscribe(stream)
        self._streams = streams
        self._socket.connect(endpoint)

    def ask(self):
        self._asked_at = time.monotonic()
        for topic in self._requests:
            self._socket.unsubscribe(topic)
        self._requests = {f"{REQUEST}{stream}/{next(self._ids)}": stream for stream in self._streams}
        for topic in self._requests:
            self._socket.subscribe(topic)

    def follow(self):
        while self._socket.poll(0):
            topic, payload, header = self._socket.recv_multipart()
            message = decode(Arrived(topic, payload, header, 0.0))
            if message.topic in self._requests:
                self._compare(self._requests[message.topic], message)
            elif message.topic in self._streams:
                self._apply(message)

    def _apply(self, message):
        book = self._books.get(message.topic)
        update = data_of(message.payload)
        if book is None or update.get("u", 0) <= book.update_id and "U" in update:
            return
        if update.get("U") == book.update_id + 1:
            book.apply(update)
        else:
            del self._books[message.topic]  # the exchange passed over something, or said nonsense

    def _compare(self, stream, message):
        if message.flags & END_OF_REPLAY:
            self.missing += 1
            return
        book = Book(json.loads(message.payload))
        held = self._books.setdefault(stream, book)
        expect(held.update_id == book.update_id, f"the book of {stream} ends at update {book.update_id}, "
                                                 f"but {held.update_id} came before it")
        expect(held.levels() == book.levels(), f"the book of {stream} at update {book.update_id} is wrong")
        self.compared += held is not book

    def begin_anew(self):
        """Holds nothing any more: what it comes to hold has been answered since."""
        self._books.clear()
        self.ask()

    def has_answers(self, truths):
        """Of a market that stands still: whether each stream's book is there, and right."""
        self.follow()
        for stream, truth in truths.items():
            book = self._books.get(stream)
            if book is None or book.update_id != int(truth["lastUpdateId"]):
                if time.monotonic() > self._asked_at + 1:
                    self.begin_anew()
                return False
            expect(book.levels() == Book(truth).levels(), f"the last book of {stream} is wrong")
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
