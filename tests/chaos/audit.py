"""Whether what the bridge says of itself at the end agrees with what was seen of it."""

import json

from follower import Topic
from metrics import Metrics, settled_metrics
from programs import BOOKS, PRIVATE, PUBLIC, STREAMS
from violation import expect


class Audit:
    """`public` and `private` are followers that have seen everything; the market stands still.
    `before`: metrics of when they had come and the market had said nothing yet. `exchange`: its state of
    before the last heartbeats, since when no connection was made."""

    def __init__(self, bridge, exchange, public, private, reconciler, before):
        self._bridge = bridge
        self._exchange = exchange
        self._before = before.published()
        self._followers = {"public": public, "private": private}
        self._statuses_before = {endpoint: follower.status_sequence
                                 for endpoint, follower in self._followers.items()}
        self._metrics = settled_metrics(bridge)
        self._status = bridge.status()
        self._readiness = bridge.get("/readyz")
        self._public = public
        self._private = private
        self._reconciler = reconciler

    def _statuses(self, endpoint):
        """How many of bridge.status were published, by the bridge's count."""
        data = sum(len(topic.fingerprints) for topic in self._followers[endpoint].topics.values())
        answers = self._followers[endpoint].answers.total()
        return self._metrics.of("published_messages_total", endpoint=endpoint) - data - answers

    def is_overtaken(self):
        """Whether all that the bridge has counted has come. Heartbeats go on: some more have."""
        return all(follower.status_sequence >= self._statuses(endpoint)
                   for endpoint, follower in self._followers.items())

    def check(self):
        self._check_state()
        self._check_streams()
        self._check_connections()
        self._check_what_the_exchange_saw()
        self._check_published_bytes()
        self._check_books()
        self._check_answers()
        (self._public.lags + self._private.lags).check(self._metrics)

    def _equal(self, expected, name, **labels):
        said = self._metrics.of(name, **labels)
        expect(said == expected, f"{name}{labels or ''} says {said:.0f}, but {expected} is true")

    def _check_state(self):
        expect(self._readiness[0] == 200, f"/readyz says {self._readiness}")
        expect(self._status["state"] == "live", f"/status says {self._status['state']}")
        expect(self._status["connection"] == self._public.connection,
               f"/status says connection {self._status['connection']}")
        for stream in self._status["streams"]:
            expect(stream["state"] in ("live", "requested"), f"/status says {json.dumps(stream)}")
            expect(stream["book"] == ("in_sync" if stream["name"] in BOOKS else None),
                   f"/status says {json.dumps(stream)}")
        self._equal(1, "upstream_connected")

    def _topics(self):
        return {**self._public.topics, **self._private.topics}

    def _check_streams(self):
        topics = self._topics()
        said = {stream["name"]: stream for stream in self._status["streams"]}
        for name in STREAMS:
            topic = topics.get(name) or Topic(name)
            count = len(topic.fingerprints)
            self._equal(count, "received_messages_total", stream=name)
            self._equal(topic.bytes, "received_bytes_total", stream=name)
            self._equal(1, "stream_subscribed", stream=name)
            self._equal(topic.last_received / 1e9, "stream_last_message_timestamp_seconds", stream=name)
            expect(said[name]["sequence"] == count, f"/status says {said[name]}, not {count}")
            if name.startswith(("trade.", "depth.")):
                self._equal(topic.numbering.gaps, "sequence_gaps_total", stream=name)
                self._equal(topic.numbering.missing, "sequence_missing_total", stream=name)
        others = sum(len(topic.fingerprints) for name, topic in topics.items()
                     if name not in PUBLIC + PRIVATE)
        self._equal(others, "received_messages_total", stream="other")

    def _check_connections(self):
        self._equal(self._public.connection, "upstream_connects_total", result="ok")
        self._equal(self._public.connection - 1, "upstream_reconnects_total")
        for reason in ("closed", "idle", "mute", "reset", "oversized", "protocol", "local"):
            self._equal(self._public.disconnects[reason], "upstream_disconnects_total",
                        reason=reason)
        for endpoint, before in self._statuses_before.items():
            counted = self._statuses(endpoint)
            expect(before <= counted, f"published_messages_total of {endpoint} leaves {counted:.0f} of "
                                      f"bridge.status, but {before} had come before")

    def _check_what_the_exchange_saw(self):
        """A connection that it took for made may have broken before the bridge knew; a request, on its way."""
        made = self._metrics.of("upstream_connects_total", result="ok")
        failed = self._metrics.all_failed_attempts()
        seen = self._exchange["connections"]
        expect(made <= seen <= made + failed, f"{made:.0f} attempts to connect made it and {failed:.0f} failed, but "
                                              f"the exchange saw {seen} connections")
        sent, heard = self._metrics.requests(), self._exchange["counters"]["requests"]
        expect(sent >= heard, f"upstream_requests_total says {sent:.0f}, but the exchange heard {heard} requests")
        self._equal(0, "upstream_requests_total", method="UNSUBSCRIBE")

    def _check_published_bytes(self):
        for endpoint, follower in self._followers.items():
            messages, size = self._before[endpoint]
            statuses = follower.status_bytes(int(messages), int(self._statuses(endpoint)))
            data = sum(topic.bytes for topic in follower.topics.values())
            self._equal(size + statuses + data + follower.answer_bytes, "published_bytes_total", endpoint=endpoint)

    def _check_books(self):
        for stream in BOOKS:
            self._equal(1, "book_in_sync", stream=stream)
        answers = self._followers["public"].answers
        for result in ("served", "unknown", "malformed", "limited"):
            self._equal(answers[result], "replays_total", result=result)

    def are_counted(self, **consumers):
        """Whether as many are known to be connected as are."""
        metrics = Metrics.of_bridge(self._bridge)
        status = self._bridge.status()
        return all(metrics.of("subscribers", endpoint=endpoint) == status["subscribers"][endpoint] == count
                   for endpoint, count in consumers.items())

    def _check_answers(self):
        """What came last on a connection that broke may have been read or not."""
        codes = {"4003": {4003}, "4006": {4006}}
        codes["other"] = {code for code in self._reconciler.possible
                          if code not in (4003, 4006, "malformed")}
        bounds = [(self._metrics.of("malformed_messages_total"), {"malformed"})]
        bounds += [(self._metrics.of("upstream_errors_total", code=label), kinds)
                   for label, kinds in codes.items()]
        for said, kinds in bounds:
            least = sum(self._reconciler.certain[kind] for kind in kinds)
            most = sum(self._reconciler.possible[kind] for kind in kinds)
            expect(least <= said <= most, f"{said:.0f} answers of {kinds} are counted, but at "
                                          f"least {least} and at most {most} were sent")

    def check_slow_consumer(self, slow):
        episodes = sum(self._metrics.of("slow_subscriber_episodes_total", endpoint=endpoint)
                       for endpoint in ("public", "private"))
        expect((slow.holes > 0) == (episodes > 0),
               f"the slow consumer misses {slow.missing} messages, but {episodes:.0f} episodes of "
               "a full queue are counted")
