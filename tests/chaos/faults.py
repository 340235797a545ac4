"""Inflicts the faults of a schedule, each where it belongs, and heals them."""

import json
import os
import resource
import signal
import time

import programs
from harness import DEADLINE, IS_HEAVY, wait_until
from schedule import ENDINGS

RATE = 400  # engine events a second: some 500 messages

_APART = 0.05  # seconds between faults that come together

# What the bridge calls an attempt to connect that met them.
_FAILURES = {"refuse": "tcp", "certificate": "tls", "tls_version": "tls", "answer": "handshake"}


class Faults:
    """`offsets`: by how much the bridge's clock was off, pairs of since when and nanoseconds. `ended_in_order`:
    connections that the exchange ended so that TCP delivered all that it had written."""

    def __init__(self, exchange, bridge, network, clock, mortal):
        self._exchange = exchange
        self._bridge = bridge
        self._network = network
        self._clock = clock
        self._mortal = mortal
        self._limits = {}
        self.offsets = [(0.0, 0)]
        self.ended_in_order = set()

    def inflict(self, blow):
        """Returns the kinds that struck, when all that lasts has lasted, has shown where it must, and is
        healed."""
        end = time.monotonic() + blow.seconds
        connections, failures = self._connections(), self._failures(blow)
        struck = []
        condemned = None  # the number of a connection that ends at the exchange's next word
        ended = None  # that of one that the exchange ends in order
        slow_clients = self._slow_clients()
        try:
            for strike in blow.strikes:
                if strike.kind == "renegotiate":
                    if not self._comes_a_connection(connections, end):
                        continue  # another fault of the same blow is in the way
                    condemned = self._connections()
                if strike.kind in ENDINGS and blow.ends_in_order:
                    ended = self._only_connection()
                self._strike(strike)
                struck.append(strike.kind)
                time.sleep(_APART)
            time.sleep(max(0.0, end - time.monotonic()))
            if blow.keeps_off:
                wait_until(self._says_that_it_is_down, f"a bridge that says that it is down, in the blow of {blow.at} s")
                wait_until(lambda: self._failures(blow) > failures,
                           f"a failed attempt to connect that is counted for what it met, in the blow of {blow.at} s")
        finally:
            self.heal(blow)
        if condemned is not None:
            wait_until(lambda: self._connections() > condemned, "the connection after one that was to be renegotiated")
        if ended is not None:
            wait_until(lambda: self._connections() > ended, "the connection after one that the exchange has ended")
            if self._slow_clients() == slow_clients:  # whom it cuts off
                self.ended_in_order.add(ended)
        return struck

    def _connections(self):
        return self._exchange.state()["connections"]

    def _failures(self, blow):
        """How many attempts to connect have failed as they do under it."""
        return sum(self._bridge.metric("upstream_connects_total", result=result)
                   for result in {_FAILURES[strike.kind] for strike in blow.strikes if strike.kind in _FAILURES})

    def _slow_clients(self):
        return self._exchange.state()["counters"]["slow_clients"]

    def _only_connection(self):
        """The number of the connection that there is, if that is in full use."""
        state = self._exchange.state()
        is_in_use = set(programs.STREAMS) <= set(state["subscriptions"])
        return state["connections"] if state["open_connections"] == 1 and is_in_use else None

    def _comes_a_connection(self, beyond, end):
        while self._connections() <= beyond:
            if time.monotonic() >= end:
                return False
            time.sleep(0.01)
        return True

    def _strike(self, strike):
        if strike.group == "exchange":
            kind = strike.kind.split(":")[0]
            parameters = dict(strike.parameters)
            if kind in ("silent", "deaf", "slow"):
                parameters["ms"] = int(strike.seconds * 1000)
            self._exchange.fault(kind, **parameters)
        else:
            getattr(self, "_" + strike.kind)(strike)

    def _says_that_it_is_down(self):
        ready, page = self._bridge.get("/readyz")
        return (ready == 503 and json.loads(page)["reasons"] == ["not connected"]
                and self._bridge.status()["state"] in ("connecting", "down")
                and self._bridge.metric("upstream_connected") == 0)

    def heal(self, blow):
        """What belongs to the process first: a bridge that stands still recovers from nothing."""
        kinds = {strike.kind for strike in blow.strikes}
        if "memory_limit" in kinds or "file_limit" in kinds:
            self._lift_limits()
        if "stop" in kinds:
            self._bridge.send(signal.SIGCONT)
        if "full_log" in kinds:
            self._bridge.give_log_back()
        if kinds & {"loss", "cut", "reset"}:
            self._network.heal()
        if "clock_step" in kinds:
            self._set_clock(0)
        if "rate" in kinds:
            self._exchange.rate(RATE)
        self._exchange.fault("heal")

    def _loss(self, strike):
        self._network.suffer(self._exchange.port,
                             f"numgen random mod 100 < {strike.parameters['percent']} drop")

    def _cut(self, _):
        self._network.suffer(self._exchange.port, "drop")

    def _reset(self, _):
        self._network.suffer(self._exchange.port, "reject with tcp reset")

    def _clock_step(self, strike):
        self._set_clock(strike.parameters["seconds"] * 10**9)

    def _set_clock(self, offset_ns):
        self.offsets.append((time.monotonic(), offset_ns))
        self._clock.set(offset_ns)

    def _stop(self, _):
        self._bridge.send(signal.SIGSTOP)

    def _full_log(self, _):
        self._bridge.take_log_away()
        for _ in range(50):  # so that there is something to say
            self._exchange.fault("error", code=4999, message="the log is to overflow")

    def _file_limit(self, _):
        self._limit(resource.RLIMIT_NOFILE, len(os.listdir(f"/proc/{self._bridge.pid}/fd")))

    def _memory_limit(self, strike):
        spare = strike.parameters["spare_mib"] << 20
        self._limit(resource.RLIMIT_AS, self._bridge.memory("VmSize") + spare)

    def _limit(self, limited, soft):
        before = resource.prlimit(self._bridge.pid, limited)
        self._limits.setdefault(limited, before)
        resource.prlimit(self._bridge.pid, limited, (soft, before[1]))

    def _lift_limits(self):
        while self._limits:
            resource.prlimit(self._bridge.pid, *self._limits.popitem())

    def _kill_consumer(self, _):
        self._mortal.die_and_return()


# How long a bridge may need to be back after a fault has healed: until it notices that a connection
# is dead, the attempt that is under way, the longest wait between two, and, for what took its time
# because the machine was busy, two seconds.
_BOUND = (programs.IDLE_TIMEOUT_MS + programs.CONNECT_TIMEOUT_MS + programs.BACKOFF_MAX_MS) / 1000 + 2

# After so many seconds a stream that was rejected for good is asked for again.
_ASKED_AGAIN = 15


def recovery_bound(blow):
    """In seconds. Where no time is judged, as long as anything may."""
    if not IS_HEAVY:
        return DEADLINE
    is_rejected = any(strike.kind == "reject_signatures" for strike in blow.strikes)
    return _BOUND + (_ASKED_AGAIN if is_rejected else 0)
