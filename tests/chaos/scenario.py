"""One run: exchange, bridge and consumers under load, blow upon blow, and the reckoning."""

import contextlib
import os
import time

import programs
from audit import Audit
from books import Books
from bystanders import Bystander
from faults import RATE, Faults, recovery_bound
from follower import Follower
from harness import DEADLINE, IS_HEAVY, wait_until
from listener import Listener
from message import decode
from metrics import Metrics, settled_metrics
from reconciler import Reconciler
from recoveries import Recoveries
from sandbox import SmallDisk
from schedule import Blow, Strike
from stamps import Stamps
from truth import Truth
from violation import expect

PAUSE = 20.0  # seconds between two looks of the slow consumer
_BETWEEN_REQUESTS = 0.1  # seconds: a hundred a second are served
_TURNS_BETWEEN_REQUESTS = 5
_AT_REST = 1e-6  # events a second: what has happened is still told
_LAST = '{"the last":true}'
_PUBLIC_CONSUMERS = 5
# No schedule is without one: where the exchange ends a connection in order, none of its messages may be missing.
_LAST_BLOW = Blow(0.0, [Strike("drop", "exchange", 0.0, {"reset": False})])
_MARKED = ("trade.SOL_USDC", "account.orderUpdate")


class Scenario:
    """A context: leaving it ends all programs. `has_disk`: the log goes to a disk that can be
    filled, otherwise to a pipe. `seed` is the market's, and with every third
    the exchange compresses."""

    def __init__(self, network, directory, seed, has_disk):
        self._stack = contextlib.ExitStack()
        with self._stack as stack:
            start = stack.enter_context
            start(network)
            self.exchange = start(programs.start_exchange(network, seed))
            self.exchange.fault("refuse")  # until the consumers are there to see the first message
            clock = programs.WallClock(os.path.join(directory, "clock"))
            disk = start(SmallDisk(os.path.join(directory, "disk"))) if has_disk else None
            self.bridge = start(programs.Bridge(self.exchange, network, directory, clock, disk,
                                                compression=seed % 3 == 0))
            self._listeners = [start(Listener(endpoint)) for endpoint in (
                self.bridge.public, self.bridge.local_endpoint, self.bridge.account_endpoint)]
            for listener in self._listeners:
                listener.wait_until_it_hears(DEADLINE)
            self.slow = start(Bystander("slow", self.bridge.local_endpoint, directory, PAUSE))
            self.mortal = start(Bystander("mortal", self.bridge.public, directory))
            self.books = start(Books(self.bridge.public, programs.BOOKS))
            self.faults = Faults(self.exchange, self.bridge, network, clock, self.mortal)
            self.recoveries = Recoveries(self.bridge)
            self._stack = stack.pop_all()
        self._stamps = Stamps(self.faults.offsets)
        self._followers = [Follower("public", self._stamps), Follower("public", self._stamps),
                           Follower("private", self._stamps)]
        self.public, self._local, self.private = self._followers
        self.pages = {}  # as they were in the end
        self.truth = Truth(self.exchange)
        self._metrics_before = None
        self.reconciler = Reconciler(self.truth, self.public, self.private, self.faults.ended_in_order)

    def begin(self):
        self._metrics_before = settled_metrics(self.bridge)
        self.exchange.fault("heal")
        self._wait_for_subscriptions(DEADLINE)
        wait_until(self._are_requests_counted, "as many requests counted as the exchange heard")
        self._check_heartbeats()
        self.exchange.rate(RATE)

    def _are_requests_counted(self):
        """On the first connection. One that breaks takes with it what was on its way."""
        state = self.exchange.state()
        requests = Metrics.of_bridge(self.bridge).requests()
        return requests == state["counters"]["requests"] or state["connections"] > 1

    def suffer(self, blow):
        """Inflicts it; returns which kinds struck, and how long the bridge needed to recover."""
        before, idle_before = self.exchange.state()["connections"], self._idle_ends()
        struck = self.faults.inflict(blow)
        healed = time.monotonic()
        self._expect_alive()
        self.recoveries.begin()
        while True:
            is_back = self._has_recovered(healed)
            took = time.monotonic() - healed
            self._expect_alive()
            expect(took < recovery_bound(blow), lambda: self._why_not_back(took))
            if is_back:
                break
            time.sleep(0.01)
        self.recoveries.end()
        self._check_heartbeats()
        # An exchange that is held up is silent, without a fault, for as long as the bridge bears.
        may_judge = IS_HEAVY or self._idle_ends() == idle_before
        if blow.costs_no_connection and may_judge:
            expect(self.exchange.state()["connections"] == before, lambda:
                   "a connection was lost for nothing: " + "; ".join(
                       [line for line in self.bridge.lines if " disconnected " in line][-1:]))
        return struck, took

    def _check_heartbeats(self):
        """Once all have come that preceded the connection that there is, and all attempts before it are counted."""
        def failures_before_it():
            """Alone in a tuple: there may be none."""
            failed = self._failed_attempts()
            self.catch_up()
            status = self.bridge.status()
            is_heard_of = status["state"] == "live" and status["connection"] == self.public.connection
            return (failed,) if is_heard_of and failed == self._failed_attempts() else None
        (failed,) = wait_until(failures_before_it, "the event connected")
        self.recoveries.check_heartbeats(self.public, failed)

    def _failed_attempts(self):
        return Metrics.of_bridge(self.bridge).all_failed_attempts()

    def _idle_ends(self):
        return self.bridge.metric("upstream_disconnects_total", reason="idle")

    def _expect_alive(self):
        expect(self.bridge.is_running, lambda: "the bridge has ended: " + "; ".join(self.bridge.lines[-3:]))

    def _has_recovered(self, healed):
        return (all(listener.last_data_at > healed for listener in self._listeners[:2])
                and self._is_subscribed() and self.bridge.get("/readyz")[0] == 200)

    def _is_subscribed(self):
        return set(programs.STREAMS) <= set(self.exchange.state()["subscriptions"])

    def _why_not_back(self, took):
        return (f"not back {took:.1f} s after healing: /readyz says "
                f"{self.bridge.get('/readyz')}; the exchange says {self.exchange.state()}")

    def _wait_for_subscriptions(self, deadline):
        wait_until(self._is_subscribed, "all subscriptions", deadline)

    def follow_until(self, end):
        """And asks for the books again and again meanwhile."""
        while True:
            self.books.ask()
            for _ in range(_TURNS_BETWEEN_REQUESTS):
                if time.monotonic() >= end:
                    return
                self.catch_up()
                time.sleep(0.02)

    def catch_up(self):
        """Follows what has come, and reconciles the connections that are over."""
        self.truth.drain()
        for listener, follower in zip(self._listeners, self._followers):
            for arrived in listener.take():
                follower.follow(decode(arrived), arrived.header)
        self.books.follow()

    def reconcile(self):
        self.catch_up()
        # What the exchange writes to a connection that is half dead is noted when that ends.
        if self.exchange.state()["open_connections"] > 1:
            return
        self.catch_up()
        self.reconciler.reconcile(min(follower.connection for follower in self._followers))

    def finish(self):
        """After a last end of a connection the market stands still, and everybody gets what is still under way; then
        all is compared."""
        self.suffer(_LAST_BLOW)
        self._compare_moving_books()
        self.exchange.rate(_AT_REST)
        self._compare_books()
        wait_until(lambda: self.exchange.state()["open_connections"] == 1, "old connections' ends")
        self._wait_for_bystanders()
        for stream in _MARKED:
            self.exchange.publish(stream, _LAST)
        wait_until(self._has_come_to_the_last, "the last messages")
        self.reconciler.reconcile(self.public.connection, is_complete=True)
        self._compare_public_consumers()
        exchange = self.exchange.state()
        self._wait_for_heartbeats()
        audit = Audit(self.bridge, exchange, self.public, self.private, self.reconciler, self._metrics_before)
        wait_until(lambda: self.catch_up() or audit.is_overtaken(), "the heartbeats that the bridge has counted")
        audit.check()
        self._stamps.expect_steps_were_seen()
        self.recoveries.check_waits(self.public.longest_retry_ms)
        wait_until(lambda: audit.are_counted(public=_PUBLIC_CONSUMERS, private=1), "consumers that were killed to be gone")
        for bystander in (self.slow, self.mortal):
            bystander.check(self.public)
        self.mortal.expect_no_holes()
        audit.check_slow_consumer(self.slow)
        self.pages = {path: self.bridge.get(path)[1] for path in ("/", "/status", "/metrics", "/readyz", "/livez")}

    def _wait_for_bystanders(self):
        """Even the slow one gets what comes once it reads again."""
        self.slow.hurry()
        self.exchange.come_to_rest()
        wait_until(lambda: self.catch_up() or "fence" in self.public.topics, "all that was said before")
        said = len(self.public.topics[_MARKED[0]].fingerprints)

        def both_hear():
            self.exchange.publish(_MARKED[0], "{}")  # again: as long as its queue is full, it misses that
            time.sleep(0.1)
            self.catch_up()
            return all(bystander.has_heard_beyond(_MARKED[0], said)
                       for bystander in (self.slow, self.mortal))
        wait_until(both_hear, "each consumer to hear what comes once it reads again")

    def _has_come_to_the_last(self):
        self.catch_up()
        lasts = [(stream, f'{{"data":{_LAST},"stream":"{stream}"}}'.encode())
                 for stream in _MARKED]
        sent = self.truth.sent[max(self.truth.sent)]
        return all(last in sent and all(last in follower.received[follower.connection]
                                        for follower in followers)
                   for last, followers in zip(lasts, (self._followers[:2], self._followers[2:])))

    def _wait_for_heartbeats(self):
        """Two: what came before has been counted everywhere by then."""
        before = self.public.status_sequence
        wait_until(lambda: self.catch_up() or self.public.status_sequence > before + 1, "heartbeats")

    def _compare_public_consumers(self):
        expect(self.public.topics.keys() == self._local.topics.keys(), "consumers differ in topics")
        for name, topic in self.public.topics.items():
            other = self._local.topics[name]
            expect(topic.fingerprints == other.fingerprints, f"two consumers of {name} differ")

    def _compare_moving_books(self):
        """While the market goes on, each once more at least."""
        wait_until(lambda: self.catch_up() or self.bridge.are_books_in_sync(), "the books")
        before = dict(self.books.compared)

        def are_compared():
            self.books.ask()
            self.catch_up()
            return all(self.books.compared[stream] > before.get(stream, 0) for stream in programs.BOOKS)
        wait_until(are_compared, "a comparison of each book", every=_BETWEEN_REQUESTS)

    def _compare_books(self):
        """With what the exchange says of a market that stands still."""
        truths = {stream: self.exchange.book(stream.split(".")[-1]) for stream in programs.BOOKS}

        self.catch_up()
        self.books.begin_anew()

        def are_right():
            self.catch_up()
            return self.books.has_answers(truths)
        wait_until(are_right, "the books of a market that stands still", every=_BETWEEN_REQUESTS)

    def stop(self):
        """In order: announced, with status 0. For consumers it waits, but for no slow one."""
        self.slow.end()
        status = self.bridge.stop()
        expect(status == 0, f"the bridge ended with status {status}")
        wait_until(self._has_announced_the_end, "the event shutdown")
        self.bridge.wait_for_line(" stopped")  # whatever became of the log before

    def _has_announced_the_end(self):
        self.catch_up()
        return all(follower.has_shut_down for follower in self._followers)

    def __enter__(self):
        return self

    def __exit__(self, *details):
        self._stack.__exit__(*details)
