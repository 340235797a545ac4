"""What goes wrong, and when: a pure function of seed and seconds."""

import random
import typing

FIRST_AT = 1.5  # the load is steady by then
LAST_BEFORE_END = 2.5
BETWEEN = (0.3, 1.0)
LONG_RUN = 60  # seconds; in one that short or shorter nothing takes long

BIG_STEP = 60  # seconds of the wall clock


class Strike(typing.NamedTuple):
    """One fault. `seconds` is how long it lasts; 0: it is over at once."""
    kind: str
    group: str
    seconds: float
    parameters: dict


class Blow(typing.NamedTuple):
    """Faults that come together, in this order, and heal together."""
    at: float
    strikes: list

    @property
    def seconds(self):
        return max(strike.seconds for strike in self.strikes)

    @property
    def keeps_off(self):
        """Whether the bridge has no connection in the end, and can say so while it lasts."""
        kinds = {strike.kind for strike in self.strikes}
        refuses = kinds & {"refuse", "certificate"} or any(
            strike.parameters.get("which") == "outdated" or strike.parameters.get("to") == "upgrade"
            for strike in self.strikes)
        is_dropped = self.strikes[-1].kind == "drop"
        return bool(refuses) and is_dropped and not kinds & {"loss", "cut", "reset", *LIMITED}

    @property
    def ends_in_order(self):
        """Whether the exchange ends the connection by a Close frame or a FIN, once, and nothing is in the way of what
        was written before."""
        endings = [strike for strike in self.strikes if strike.kind in ENDINGS]
        return (len(endings) == 1 and not endings[0].parameters.get("reset")
                and all(strike.kind in UNHINDERED for strike in self.strikes if strike not in endings))

    @property
    def costs_no_connection(self):
        return all(strike.kind in HARMLESS for strike in self.strikes)


def _choice(name, *values):
    return lambda draw: {name: draw.choice(values)}


# Kind → group, how long it lasts, its parameters. A kind of the group `exchange` is one of the
# simulated exchange's, or the word before `:` is.
KINDS = {
    "drop": ("exchange", None, _choice("reset", True, False)),
    "close": ("exchange", None, _choice("code", 1000, 1001, 1008, 1011, 1012, 4000)),
    "shutdown": ("exchange", None, None),
    "silent": ("exchange", (0.2, 3.0), None),
    "deaf": ("exchange", (0.2, 3.0), _choice("mute", True, False)),
    "slow": ("exchange", (0.2, 1.5), _choice("per_byte_us", 20, 100, 1000)),
    "skip_ids": ("exchange", None, lambda draw: {
        "count": draw.randint(1, 9),
        "stream": draw.choice(["", "trade.SOL_USDC", "depth.BTC_USDC"])}),
    "repeat": ("exchange", None, lambda draw: {
        "count": draw.randint(1, 9),
        "stream": draw.choice(["", "depth.SOL_USDC", "trade.BTC_USDC", "account.orderUpdate"])}),
    "garbage:text": ("exchange", None, lambda draw: {
        "layer": "text", "text": draw.choice(
            ["not { json", "{", "[]", '{"data":{}}', '{"stream":"trade.X"}', "\u0000"])}),
    "garbage:binary": ("exchange", None, lambda _: {"layer": "binary", "text": "\u0007 no text"}),
    "garbage:bytes": ("exchange", None, lambda _: {"layer": "bytes", "text": "\u0003\u007f raw"}),
    "huge": ("exchange", None, _choice("bytes", 300_000, 1_900_000, 2_000_001, 5_000_000)),
    "unsolicited": ("exchange", None, lambda draw: {
        "stream": draw.choice(["trade.UNASKED_USDC", "account.unaskedUpdate", "newKind.SOL_USDC"]),
        "data": '{"E":%d,"t":%d,"x":"\u00e9\\u00e9\\""}' % (draw.randrange(10**15),
                                                        draw.randrange(99))}),
    "error": ("exchange", None, _choice("code", 4000, 4003, 4006)),
    "refuse": ("exchange", (0.2, 2.5), None),
    "certificate": ("exchange", (0.2, 2.0),
                    _choice("which", "expired", "wrong_host", "self_signed")),
    "tls_version": ("exchange", (0.2, 2.0), _choice("which", "tls12", "outdated")),
    "renegotiate": ("exchange", None, None),
    "answer": ("exchange", (0.2, 2.0), lambda draw: {
        "to": draw.choice(["upgrade", "rest"]), "bytes": draw.choice(
            ["HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "\u0000 no HTTP"])}),
    "ignore_requests": ("exchange", (0.3, 3.0), _choice("count", 1, 2, 9)),
    "mute_stream": ("exchange", (0.3, 3.0), _choice("stream", "depth.SOL_USDC", "trade.BTC_USDC", "ticker.BTC_USDC")),
    "reject_signatures": ("exchange", (0.3, 6.0), None),
    "shift_clock": ("exchange", (0.3, 5.0), _choice("ms", -90_000, -4_000, 4_000, 90_000)),
    "rate": ("exchange", (0.3, 1.5), _choice("per_second", 0, 20, 2_000)),
    "loss": ("network", (0.5, 3.0), _choice("percent", 2, 10, 30, 60)),
    "cut": ("network", (0.2, 5.0), None),
    "reset": ("network", (0.2, 2.0), None),
    "clock_step": ("clock", (0.3, 5.0), lambda draw: {
        "seconds": draw.choice([-1, 1]) * draw.choice([1, 3, 60, 240, 900])}),
    "stop": ("process", (0.2, 2.8), None),
    "full_log": ("process", (0.5, 2.5), None),
    "file_limit": ("process", (0.3, 2.5), None),
    # As little as it lives with. What it does with less than it needs, interop/memory_limit_test.py shows.
    "memory_limit": ("process", (0.3, 2.5), _choice("spare_mib", 96, 160)),
    "kill_consumer": ("consumers", None, None),
}

# Under these the bridge may have no means to answer.
LIMITED = {"stop", "file_limit", "memory_limit"}

# Up to how many seconds these last in a long run: beyond the idle timeout.
LONGER = {"stop": 6.0}

# These show only on a connection that is made while they last.
BITE_ON_CONNECTING = {"refuse", "certificate", "tls_version", "answer", "ignore_requests", "reject_signatures",
                      "shift_clock", "file_limit"}

# These can go along with anything.
PASSING = ["skip_ids", "repeat", "garbage:text", "unsolicited", "error", "kill_consumer"]

# By none of these, nor by all of them together, may a connection be lost.
HARMLESS = {*PASSING, "garbage:binary", "mute_stream", "rate", "clock_step", "full_log", "memory_limit"}

# By these the exchange ends a connection.
ENDINGS = {"drop", "close", "shutdown"}

# Under these a connection that there is delivers as ever.
UNHINDERED = (HARMLESS | BITE_ON_CONNECTING) - LIMITED


def groups(kinds):
    return {KINDS[kind][0] for kind in kinds}


def enabled_kinds(has_network):
    return [kind for kind, (group, *_) in KINDS.items() if has_network or group != "network"]


def faults_in(blows):
    return sum(len(blow.strikes) for blow in blows)


class _Dealer:
    """Draws blows. All that is drawn follows from `seed`."""

    def __init__(self, seed, kinds, is_long):
        self._draw = random.Random(seed)
        self._kinds = kinds
        self._is_long = is_long

    def pause(self):
        return self._draw.uniform(*BETWEEN)

    def deals(self):
        """All kinds in turn, in ever another order; the first few are of all groups."""
        first = [self._draw.choice([kind for kind in self._kinds if KINDS[kind][0] == group])
                 for group in sorted(groups(self._kinds))]
        self._draw.shuffle(first)
        yield from first
        while True:
            deck = list(self._kinds)
            self._draw.shuffle(deck)
            yield from deck

    def blow(self, kind, at):
        draw = self._draw
        strikes = [self._strike(kind)]
        if draw.random() < 0.25:
            others = [other for other in self._kinds if KINDS[other][0] != KINDS[kind][0]]
            strikes.append(self._strike(draw.choice(others)))
        if draw.random() < 0.5:
            strikes.append(self._strike(draw.choice(PASSING)))
        struck = {strike.kind for strike in strikes}
        if struck & BITE_ON_CONNECTING or (struck & {"clock_step", "full_log"} and draw.random() < 0.6):
            strikes.append(self._strike("drop"))
        if "renegotiate" in struck:  # which only a connection that speaks TLS 1.2 can
            strikes[:0] = [Strike("tls_version", "exchange", 1.0, {"which": "tls12"}), self._strike("drop")]
        return Blow(round(at, 2), strikes)

    def _strike(self, kind):
        group, lasts, parameters = KINDS[kind]
        seconds = 0.0
        if lasts:
            least, most = lasts
            if self._is_long:
                most = LONGER.get(kind, most)
            # Short ones more often, so that more of them fit in.
            seconds = round(least + (most - least) * self._draw.random() ** 2, 2)
        return Strike(kind, group, seconds, parameters(self._draw) if parameters else {})


def schedule(seed, kinds, seconds=0, faults=0):
    """Blows in the order of time, all groups among them, for `seconds`, however short those are;
    or where `faults` is given, until they are so many, or more."""
    dealer = _Dealer(f"{seed}/{f'{faults} faults' if faults else seconds}", kinds,
                     is_long=bool(faults) or seconds > LONG_RUN)
    blows = []
    at = FIRST_AT

    def is_over():
        is_enough = faults_in(blows) >= faults if faults else at > seconds - LAST_BEFORE_END
        return is_enough and len(blows) >= len(groups(kinds))

    for kind in dealer.deals():
        if is_over():
            return blows
        blows.append(dealer.blow(kind, at))
        at += blows[-1].seconds + dealer.pause()
    raise AssertionError("the deck never ends")
