"""The load source, as whoever connects to it sees it: how a burst comes, and how long messages are."""

import base64
import json
import os
import socket
import ssl
import struct
import unittest

from pacing import BURSTS, BURSTS_APART, FULL_SPEED, ONE_BY_ONE
from rig import Source, streams

APPLICATION_DATA = 23  # RFC 8446, 5.1
PATIENCE = 60


class Client:
    """A WebSocket over TLS that knows of each TLS record with which it was said."""

    def __init__(self, source):
        context = ssl.create_default_context(cafile=source.ca_file)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="127.0.0.1")
        self._socket = socket.create_connection(("127.0.0.1", source.port), timeout=PATIENCE)
        self._stream = self._socket.makefile("rb")
        self._decrypted = b""
        self._do(self._tls.do_handshake)
        key = base64.b64encode(os.urandom(16)).decode()
        self._send(f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        while b"\r\n\r\n" not in self._decrypted:
            self._take_record()
        self._decrypted = self._decrypted.split(b"\r\n\r\n", 1)[1]

    def subscribe(self, names):
        text = json.dumps({"method": "SUBSCRIBE", "params": names}).encode()
        self._send(struct.pack("!BBH", 0x81, 0x80 | 126, len(text)) + bytes(4) + text)  # masked by 0

    def take(self, count):
        """So many messages; how many came to their end with each TLS record."""
        messages, of_records = [], []
        while len(messages) < count:
            self._take_record()
            of_record = list(self._whole_messages())
            messages += of_record
            of_records.append(len(of_record))
        return messages, of_records

    def _whole_messages(self):
        while len(self._decrypted) >= 4:
            length, begin = self._decrypted[1], 2
            if length == 126:
                length, begin = struct.unpack_from("!H", self._decrypted, 2)[0], 4
            elif length == 127:
                if len(self._decrypted) < 10:
                    return
                length, begin = struct.unpack_from("!Q", self._decrypted, 2)[0], 10
            if len(self._decrypted) < begin + length:
                return
            yield self._decrypted[begin:begin + length]
            self._decrypted = self._decrypted[begin + length:]

    def _send(self, data):
        self._tls.write(data)
        self._socket.sendall(self._outgoing.read())

    def _read_record(self):
        head = self._stream.read(5)
        self._incoming.write(head + self._stream.read(struct.unpack("!H", head[3:])[0]))
        return head[0]

    def _take_record(self):
        kind = self._read_record()
        try:
            data = self._tls.read(1 << 15)
        except ssl.SSLWantReadError:
            return  # a session ticket
        assert kind == APPLICATION_DATA
        self._decrypted += data

    def _do(self, step):
        while True:
            try:
                step()
                return
            except ssl.SSLWantReadError:
                pass
            finally:
                if self._outgoing.pending:
                    self._socket.sendall(self._outgoing.read())
            self._read_record()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stream.close()
        self._socket.close()


class Load(unittest.TestCase):
    def setUp(self):
        self.source = self.enterContext(Source())
        self.client = self.enterContext(Client(self.source))
        self.client.subscribe(streams(10))
        self.client.take(10)  # one of each stream, as it is subscribed to

    def test_a_burst_comes_in_as_few_records_as_hold_it(self):
        self.source.go(1_000, BURSTS, 100)
        _, of_records = self.client.take(100)
        self.assertLessEqual(len(of_records), 3)

    def test_a_burst_apart_comes_in_a_record_each(self):
        self.source.go(1_000, BURSTS_APART, 100)
        _, of_records = self.client.take(100)
        self.assertEqual(of_records, [1] * 100)

    def test_messages_have_the_bytes_that_the_source_tells_170_in_the_mean_without_large_ones(self):
        self.source.tell("go", FULL_SPEED, ONE_BY_ONE.burst, 20_000)
        messages, _ = self.client.take(20_000)
        sizes = list(map(len, messages))
        self.assertEqual(self.source.hear()["bytes"], sum(sizes))
        usual = [size for size in sizes if size < 1_000]
        self.assertAlmostEqual(sum(usual) / len(usual), 170, delta=5)
        self.assertEqual(sum(3_500 < size < 5_000 for size in sizes), 19)
        self.assertEqual(sum(size > 100_000 for size in sizes), 1)


if __name__ == "__main__":
    unittest.main()
