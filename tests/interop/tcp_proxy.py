"""Stands between a client and what it is connected to, and takes from it what was on its way.

The client is a consumer of the bridge, or the bridge itself, of the exchange.
"""

import contextlib
import socket
import threading


class Connection:
    def __init__(self, client, server, records):
        self._client, self._server = client, server
        self._records = records  # of what the server says, where somebody wants them counted
        self.is_blocked = False  # what the server says is thrown away
        self.is_stalled = False  # what either says is thrown away, and that either ends does not show
        self.is_damaged = False  # a byte of what the server says next comes altered
        for source, sink in (client, server), (server, client):
            threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def cut(self):
        for end in self._client, self._server:
            with contextlib.suppress(OSError):  # its other side was faster
                end.shutdown(socket.SHUT_RDWR)

    def _pass_on(self, source, sink):
        """Until either side ends."""
        with contextlib.suppress(OSError), source:
            while data := source.recv(65536):
                if self.is_stalled:
                    continue
                if source is self._client:
                    sink.sendall(data)
                elif not self.is_blocked:
                    sink.sendall(self._damage(data))
        if not self.is_stalled:
            self.cut()

    def _damage(self, data):
        is_damaged, self.is_damaged = self.is_damaged, False
        if is_damaged:
            data = data[:-1] + bytes([data[-1] ^ 1])
        if self._records:
            self._records.pass_on(data, is_damaged)
        return data


class TcpProxy:
    """To a port of this machine."""

    def __init__(self, server_port, make_records=lambda: None):
        """`make_records`: for each connection something that is told of what the server says."""
        self._server_port = server_port
        self._make_records = make_records
        self._connections = []
        self.is_refusing = False  # whoever comes
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            try:
                if self.is_refusing:
                    raise ConnectionRefusedError
                server = socket.create_connection(("127.0.0.1", self._server_port))
            except OSError:
                client.close()
                continue
            self._connections.append(Connection(client, server, self._make_records()))

    def block(self):
        """From now on nothing of what the server says comes through on the connections there are."""
        for connection in self._connections:
            connection.is_blocked = True

    def stall(self):
        """The connections there are die without a word: nothing comes through, and none ends."""
        for connection in self._connections:
            connection.is_stalled = True

    def damage(self):
        """Alters a byte of what the server says next, on each of the connections there are."""
        for connection in self._connections:
            connection.is_damaged = True

    def cut(self):
        """Ends the connections there are."""
        connections, self._connections = self._connections, []
        for connection in connections:
            connection.cut()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
