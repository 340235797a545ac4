"""Which records of TLS 1.3 a server has sent, and how much of what is said stands in those that are whole."""

_HEADER = 5  # bytes: type, version, length
_APPLICATION_DATA = 23
_OVERHEAD = 17  # bytes that a record is longer than what it says: its true type, and the tag


class TlsRecords:
    """Of one direction of one connection. `said` counts bytes in plain, the encrypted handshake's among them."""

    def __init__(self):
        self._pending = b""
        self.said = 0  # in records that have come whole
        self.said_whole = None  # in those before the one that was damaged first

    def pass_on(self, data, is_damaged):
        """`is_damaged`: the last byte of it."""
        self._pending += data[:-1]
        self._take_whole_records()
        if is_damaged and self.said_whole is None:
            self.said_whole = self.said
        self._pending += data[-1:]
        self._take_whole_records()

    def _take_whole_records(self):
        while len(self._pending) >= _HEADER:
            end = _HEADER + int.from_bytes(self._pending[3:_HEADER], "big")
            if len(self._pending) < end:
                return
            if self._pending[0] == _APPLICATION_DATA:
                self.said += end - _HEADER - _OVERHEAD
            self._pending = self._pending[end:]
