"""A consumer of books: joins again and again, applies what is said live, and compares the two."""

import collections
import decimal
import itertools
import json

import zmq

from listener import Arrived
from message import END_OF_REPLAY, STATUS, decode
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
        self._books = {}  # stream → what it holds, where it holds one
        self._moved = set()  # streams of which something was applied since the last answer
        self.compared = collections.Counter()  # stream → answers that show what was applied
        self.missing = 0
        self._socket = zmq.Context.instance().socket(zmq.SUB)
        self._socket.rcvhwm = 0
        self._socket.linger = 0
        for topic in (*streams, STATUS):
            self._socket.subscribe(topic)
        self._streams = streams
        self._socket.connect(endpoint)

    def ask(self):
        """For each stream's, unless an answer is awaited already: each request has one."""
        for stream in set(self._streams) - set(self._requests.values()):
            topic = f"{REQUEST}{stream}/{next(self._ids)}"
            self._requests[topic] = stream
            self._socket.subscribe(topic)

    def is_answered(self):
        self.follow()
        return not self._requests

    def follow(self):
        while self._socket.poll(0):
            topic, payload, header = self._socket.recv_multipart()
            message = decode(Arrived(topic, payload, header, 0.0))
            if message.topic in self._requests:
                self._socket.unsubscribe(message.topic)
                self._compare(self._requests.pop(message.topic), message)
            elif message.topic in self._streams:
                self._apply(message)
            elif message.topic == STATUS and json.loads(message.payload)["event"] == "disconnected":
                self._books.clear()

    def _apply(self, message):
        book = self._books.get(message.topic)
        update = data_of(message.payload)
        if book is None or update.get("u", 0) <= book.update_id and "U" in update:
            return
        if update.get("U") == book.update_id + 1:
            book.apply(update)
            self._moved.add(message.topic)
        else:
            del self._books[message.topic]  # the exchange passed over something, or said nonsense

    def _compare(self, stream, message):
        held = self._books.get(stream)
        if message.flags & END_OF_REPLAY:
            expect(held is None, f"there is no book of {stream}, though nothing has happened to it")
            self.missing += 1
            return
        book = Book(json.loads(message.payload))
        if held is None:
            self._books[stream] = book
        else:
            expect(held.update_id == book.update_id, f"the book of {stream} ends at update {book.update_id}, "
                                                     f"but {held.update_id} came before it")
            expect(held.levels() == book.levels(), f"the book of {stream} at update {book.update_id} is wrong")
            self.compared[stream] += stream in self._moved
        self._moved.discard(stream)

    def begin_anew(self):
        """Holds nothing any more: what it comes to hold is answered from now on, or is brought up
        to date by what comes."""
        self._books.clear()
        self.ask()

    def has_answers(self, truths):
        """Of a market that stands still: whether each stream's book is there, and right."""
        self.follow()
        for stream, truth in truths.items():
            book = self._books.get(stream)
            if book is None or book.update_id != int(truth["lastUpdateId"]):
                self.ask()
                return False
            expect(book.levels() == Book(truth).levels(), f"the last book of {stream} is wrong")
        return not self._requests

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
