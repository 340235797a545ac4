"""That the audit believes the bridge nothing that others saw otherwise."""

import pathlib
import sys
import types
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "interop")]
# pylint: disable=wrong-import-position
from audit import Audit  # noqa: E402
from follower import Follower, Topic  # noqa: E402
from lags import TYPES  # noqa: E402
from metrics import Metrics  # noqa: E402
from programs import BOOKS, STREAMS  # noqa: E402
from reconciler import Reconciler  # noqa: E402
from violation import Violation  # noqa: E402

TRADE = "trade.SOL_USDC"
SIZE = 5
RECEIVED = 1_700_000_000_123_456_789
REASONS = ("closed", "idle", "mute", "reset", "oversized", "protocol", "local")
FAILURES = ("dns", "tcp", "proxy", "tls", "handshake", "timeout")

# What is more of these may have been lost on its way, or is awaited.
BOUNDS = {'upstream_requests_total{method="SUBSCRIBE"}', 'published_messages_total{endpoint="public"}',
          'published_messages_total{endpoint="private"}',
          *(f'upstream_connects_total{{result="{result}"}}' for result in FAILURES)}


def truth():
    """What a bridge says that received one trade on its second connection; one attempt failed before it."""
    said = {'upstream_connects_total{result="ok"}': 2, "upstream_reconnects_total": 1, "upstream_connected": 1,
            'upstream_requests_total{method="SUBSCRIBE"}': 4, 'upstream_requests_total{method="UNSUBSCRIBE"}': 0,
            "malformed_messages_total": 0, "forward_seconds_count": 1, 'received_messages_total{stream="other"}': 0}
    for stream in STREAMS:
        label = f'{{stream="{stream}"}}'
        is_that = stream == TRADE
        said.update({"stream_subscribed" + label: 1, "received_messages_total" + label: int(is_that),
                     "stream_last_message_timestamp_seconds" + label: is_that * RECEIVED / 1e9,
                     "received_bytes_total" + label: is_that * SIZE})
        if stream.startswith(("trade.", "depth.")):
            said.update({"sequence_gaps_total" + label: 0, "sequence_missing_total" + label: 0})
    for kind in TYPES:
        for what in ("seconds_count", "seconds_sum", "negative_total", "negative_seconds_total"):
            said[f'exchange_lag_{what}{{type="{kind}"}}'] = int(kind == "trade" and what.startswith("seconds"))
    said.update({f'upstream_disconnects_total{{reason="{reason}"}}': int(reason == "closed") for reason in REASONS})
    said.update({f'upstream_connects_total{{result="{result}"}}': int(result == "tls") for result in FAILURES})
    said.update({f'upstream_errors_total{{code="{code}"}}': 0 for code in ("4003", "4006", "other")})
    said.update({f'replays_total{{result="{result}"}}': 0 for result in ("served", "unknown", "malformed", "limited")})
    said.update({f'book_in_sync{{stream="{stream}"}}': 1 for stream in BOOKS})
    return {**said, **published(1)}


def published(messages):
    return {'published_messages_total{endpoint="public"}': messages, 'published_messages_total{endpoint="private"}': 0,
            'published_bytes_total{endpoint="public"}': messages * SIZE, 'published_bytes_total{endpoint="private"}': 0}


def text_of(said):
    return "\n".join(f"backpack_bridge_{series} {value!r}" for series, value in said.items())


class Bridge:
    def __init__(self, said):
        self._said = said

    def get(self, path):
        return 200, text_of(self._said) if path == "/metrics" else ""

    def status(self):
        return {"state": "live", "connection": 2, "streams": [
            {"name": stream, "state": "live", "sequence": int(stream == TRADE),
             "book": "in_sync" if stream in BOOKS else None} for stream in STREAMS]}


def follower(audience):
    seen = Follower(audience, None)
    seen.status_sequence = 0
    seen.connection = 2
    seen.disconnects["closed"] = 1
    return seen


def audit(said, connections=3, requests=4):
    public, private = follower("public"), follower("private")
    topic = public.topics[TRADE] = Topic(TRADE)
    topic.fingerprints.append(0)
    topic.bytes = SIZE
    topic.last_received = RECEIVED
    public.lags.note(types.SimpleNamespace(topic=TRADE, received=RECEIVED, event=RECEIVED - 10**9))
    exchange = {"connections": connections, "counters": {"requests": requests}}
    return Audit(Bridge(said), exchange, public, private, Reconciler(None, public, private),
                 Metrics(text_of(published(0))))


class AuditTest(unittest.TestCase):
    def test_passes_what_is_true(self):
        audit(truth()).check()

    def test_believes_no_series_that_others_saw_otherwise(self):
        for series, value in truth().items():
            if series in BOUNDS:
                continue
            with self.subTest(series), self.assertRaises(Violation):
                audit({**truth(), series: value + 1}).check()

    def test_knows_how_many_attempts_failed_at_least(self):
        audit(truth(), connections=2).check()  # the one that failed did so before
        for connections in (1, 4):
            self.assertRaises(Violation, audit(truth(), connections).check)

    def test_knows_how_many_requests_were_sent_at_least(self):
        audit(truth(), requests=3).check()  # one was lost
        self.assertRaises(Violation, audit(truth(), requests=5).check)


if __name__ == "__main__":
    unittest.main()
