"""Consumers that mean harm: raw ZMTP and HTTP connections that no library would make."""

import contextlib
import pathlib
import resource
import select
import socket
import struct
import time

import zmq
from harness import DEADLINE


def _greeting(mechanism, is_server=False):
    return b"\xff" + bytes(8) + b"\x7f\x03\x00" + mechanism.ljust(20, b"\0") + bytes([is_server]) + bytes(31)


GREETING = _greeting(b"NULL")
CURVE_WELCOME_BYTES = 170


def _command(name, body):
    body = bytes([len(name)]) + name + body
    return bytes([4, len(body)]) + body


READY = _command(b"READY", b"\x0bSocket-Type" + struct.pack(">I", 3) + b"SUB")


def frame(body):
    """One message of a single frame, as ZMTP 3 writes it."""
    if len(body) < 256:
        return bytes([0, len(body)]) + body
    return b"\x02" + struct.pack(">Q", len(body)) + body


def subscription(topic):
    return frame(b"\x01" + topic)


def unsubscription(topic):
    return frame(b"\x00" + topic)


def address_of(endpoint):
    host, _, port = endpoint.rpartition("://")[2].rpartition(":")
    return host, int(port)


def connect(endpoint):
    """A TCP connection to an endpoint of either kind, `tcp://…` or `http://…`."""
    return socket.create_connection(address_of(endpoint), DEADLINE)


def receive_exactly(connection, count):
    received = b""
    while len(received) < count:
        part = connection.recv(count - len(received))
        if not part:
            raise ConnectionError("closed by the bridge")
        received += part
    return received


def shake_hands(connection):
    """Becomes a SUB peer of the socket behind `connection`."""
    connection.sendall(GREETING)
    receive_exactly(connection, len(GREETING))
    connection.sendall(READY)
    _flags, length = receive_exactly(connection, 2)
    receive_exactly(connection, length)
    return connection


def curve_hello(keys):
    """What a client says first to whom it takes for the server with the public key of `keys`, a
    CurveKeys. It may be said again, by anybody."""
    with socket.create_server(("127.0.0.1", 0)) as listener, zmq.Context.instance().socket(zmq.SUB) as client:
        client.linger = 0
        client.curve_serverkey, client.curve_publickey, client.curve_secretkey = keys
        client.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(DEADLINE)
            connection.sendall(_greeting(b"CURVE", is_server=True))
            receive_exactly(connection, len(GREETING))
            return receive_exactly(connection, 202)


def stop_after_welcome(connection, hello):
    """Goes as far as whoever knows the server's public key, and tells nobody its own."""
    connection.sendall(_greeting(b"CURVE") + hello)
    receive_exactly(connection, len(GREETING) + CURVE_WELCOME_BYTES)


def shake_hands_as_of_old(connection, revision):
    """Becomes a SUB peer by ZMTP 1 or 2, of which libzmq tells nobody who it is."""
    if revision == 1:
        connection.sendall(b"\x01\x00")  # a frame of no bytes: an anonymous peer
        receive_exactly(connection, 10)
        return connection
    connection.sendall(b"\xff" + struct.pack(">Q", 1) + b"\x7f" + b"\x01\x02" + b"\x00\x00")
    receive_exactly(connection, 12)
    return connection


def frame_of_old(body, revision):
    """One message of a single frame, as ZMTP 1 or 2 writes it."""
    if revision == 1:
        return bytes([len(body) + 1, 0]) + body
    return bytes([0, len(body)]) + body


def introduce(connection):
    """The same without waiting for the bridge's half: a large crowd would be cut off for not answering
    pings before its last member is in."""
    connection.sendall(GREETING + READY)


def is_open(connection):
    """Whether the bridge has not closed `connection`; what it sent meanwhile is thrown away."""
    connection.setblocking(False)
    try:
        while connection.recv(1 << 16):
            pass
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def send_until_cut_off(connection, pieces):
    """Sends all of `pieces`, or as many as it can before the bridge closes `connection`. The system may
    hold what can no longer be sent instead of saying that nobody is there."""
    end = time.monotonic() + DEADLINE
    for piece in map(memoryview, pieces):
        while piece:
            if not is_open(connection):
                return
            assert time.monotonic() < end, f"the bridge neither reads nor closes for {DEADLINE} s"
            try:
                piece = piece[connection.send(piece):]
                end = time.monotonic() + DEADLINE
            except BlockingIOError:
                select.select([connection], [connection], [], 1)
            except OSError:
                return


@contextlib.contextmanager
def crowd(endpoint, size, greet=None):
    """`size` connections, each taken through `greet` where that is given. Not all need to succeed:
    yields those that do."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # for good: there may be other crowds
    connections = []
    try:
        for _ in range(size):
            with contextlib.suppress(OSError):
                connection = connect(endpoint)
                connections.append(connection)
                if greet:
                    greet(connection)
        yield connections
    finally:
        for connection in connections:
            connection.close()


def resident_bytes(pid):
    fields = pathlib.Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * resource.getpagesize()
