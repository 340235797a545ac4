"""A consumer that keeps up: notes every message of an endpoint, with the time at which it came."""

import collections
import threading
import time
import typing

import zmq


class Arrived(typing.NamedTuple):
    topic: bytes
    payload: bytes
    header: bytes
    at: float  # monotonic


class Listener:
    """Reads on a thread of its own from the first heartbeat on."""

    def __init__(self, endpoint):
        self._fresh = collections.deque()
        self._failure = None
        self._stops = False
        self.last_data_at = 0.0
        self._socket = zmq.Context.instance().socket(zmq.SUB)
        self._socket.rcvhwm = 0
        self._socket.linger = 0
        self._socket.subscribe("")
        self._socket.connect(endpoint)
        self._hears = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def wait_until_it_hears(self, deadline):
        assert self._hears.wait(deadline), "no heartbeat: the consumer hears nothing"

    def take(self):
        """What has come since the last call."""
        if self._failure:
            raise self._failure
        return [self._fresh.popleft() for _ in range(len(self._fresh))]

    def _read(self):
        try:
            while not self._stops:
                if self._socket.poll(100):
                    self._note(self._socket.recv_multipart())
        except Exception as failure:  # pylint: disable=broad-except; it is raised where it is seen
            self._failure = failure
        finally:
            self._socket.close()

    def _note(self, frames):
        now = time.monotonic()
        topic, payload, header = frames
        self._fresh.append(Arrived(topic, payload, header, now))
        if topic == b"bridge.status":
            self._hears.set()
        else:
            self.last_data_at = now

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stops = True
        self._thread.join(5)
