"""NATS as a consumer sees it: a server of its own for a test, and a client that speaks just enough of the
protocol to read a JetStream stream. https://docs.nats.io/reference/reference-protocols/nats-protocol"""

import base64
import itertools
import json
import os
import pathlib
import socket
import tempfile
import typing

from harness import DEADLINE, Program, clean_environment, free_port, wait_until

SERVER = "/usr/sbin/nats-server"
PATIENCE = 10  # seconds, after which what nobody has answered is asked again


class Stored(typing.NamedTuple):
    """A message of a stream."""
    subject: str
    headers: dict
    payload: str


def stored(subject, headers, payload):
    lines = headers.decode().split("\r\n")[1:]
    return Stored(subject, dict(line.split(": ", 1) for line in lines if line), payload.decode())


class NatsServer(Program):
    """A server with JetStream, which keeps what it has stored over restarts. Its folder is its user's. As much
    patience as a test has it has too: its own two seconds with a client that introduces itself, or begins with
    TLS, are few on a busy machine. `certificate` and its key are files, which make it one of TLS."""

    def __init__(self, folder, *options, configuration="", certificate=None, port=None):
        self.port = port or free_port()
        self.url = f"{'tls' if certificate else 'nats'}://127.0.0.1:{self.port}"
        self._arguments = (folder, *options)
        self._settings = {"configuration": configuration, "certificate": certificate, "port": self.port}
        file = pathlib.Path(folder, "server.conf")
        tls = 'tls {{ cert_file: "{}", key_file: "{}", timeout: {} }}\n'.format(*certificate, DEADLINE) \
            if certificate else ""
        file.write_text(f"authorization {{ timeout: {DEADLINE} }}\n{tls}{configuration}", encoding="utf-8")
        super().__init__([SERVER, "--config", str(file), "--addr", "127.0.0.1", "--port", str(self.port),
                          "--jetstream", "--store_dir", folder, *options], clean_environment())
        with self._ended_where_this_fails():
            self.wait_for_line("Server is ready")

    def again(self):
        """Another one in its place, with what it has stored."""
        return NatsServer(*self._arguments, **self._settings)


class NatsClient:
    """Used as a context manager."""

    def __init__(self, port):
        self._port = port
        self._numbers = itertools.count(1)
        self._inbox = f"_INBOX.{os.urandom(8).hex()}"
        self._connect()

    def _connect(self):
        self._socket = socket.create_connection(("127.0.0.1", self._port), DEADLINE)
        self._input = self._socket.makefile("rb")
        assert self._input.readline().startswith(b"INFO ")
        self._socket.settimeout(PATIENCE)
        self._send('CONNECT {"verbose":false,"headers":true,"no_responders":true}', f"SUB {self._inbox}.* 1")

    def _send(self, *lines):
        self._socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def _receive(self):
        """Subject, headers and payload of the next message."""
        while True:
            verb, *words = self._input.readline().decode().split()
            if verb == "PING":
                self._send("PONG")
            elif verb in ("MSG", "HMSG"):
                header_size = int(words[-2]) if verb == "HMSG" else 0
                content = self._input.read(int(words[-1]))
                self._input.readline()
                return words[0], content[:header_size], content[header_size:]
            else:
                assert verb in ("INFO", "PONG", "+OK"), (verb, words)

    def _ask(self, subject, question):
        """Where the answer will come to."""
        reply = f"{self._inbox}.{next(self._numbers)}"
        text = json.dumps(question)
        self._send(f"PUB {subject} {reply} {len(text)}", text)
        return reply

    def request(self, subject, **question):
        """The answer to `question`, which is put again as long as a cluster has nobody to answer."""
        return wait_until(lambda: self._answer(subject, question), f"an answer to {subject} {question}")

    def _answer(self, subject, question):
        """None where nobody answers."""
        try:
            reply = self._ask(subject, question)
            while True:
                came_to, headers, payload = self._receive()
                if came_to != reply:
                    continue
                if b" 503" in headers:
                    return None
                answer = json.loads(payload)
                return None if answer.get("error", {}).get("code") == 503 else answer
        except TimeoutError:  # after which nothing can be read from the connection
            self._close()
            self._connect()
            return None

    def stream(self, name):
        """What the server tells of a stream; None where there is none."""
        answer = self.request(f"$JS.API.STREAM.INFO.{name}")
        return None if "error" in answer else answer

    def create_stream(self, name, subjects, **settings):
        answer = self.request(f"$JS.API.STREAM.CREATE.{name}", name=name, subjects=subjects, **settings)
        assert "error" not in answer, answer

    def message(self, stream, **which):
        """By `seq` or `last_by_subj`; None where there is none."""
        answer = self.request(f"$JS.API.STREAM.MSG.GET.{stream}", **which)
        if "error" in answer:
            return None
        message = answer["message"]
        return stored(message["subject"], *(base64.b64decode(message.get(part, "")) for part in ("hdrs", "data")))

    def messages(self, stream):
        """All that are in the stream, oldest first."""
        state = self.stream(stream)["state"]
        numbers = range(max(1, state["first_seq"]), state["last_seq"] + 1)
        return [message for number in numbers if (message := self.message(stream, seq=number))]

    def replay(self, stream, subject, since, count):
        """The first `count` messages that were stored since then (RFC 3339), as a consumer fetches them."""
        consumer = self.request(f"$JS.API.CONSUMER.CREATE.{stream}", stream_name=stream, config={
            "deliver_policy": "by_start_time", "opt_start_time": since, "filter_subject": subject,
            "ack_policy": "none"})
        assert "error" not in consumer, consumer
        self._socket.settimeout(DEADLINE)
        self._ask(f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer['name']}", {"batch": count})
        return [stored(*self._receive()) for _ in range(count)]

    def wait_for_payload(self, stream, subject, payload):
        def is_last():
            message = self.message(stream, last_by_subj=subject) if self.stream(stream) else None
            return message and message.payload == payload
        wait_until(is_last, f"{payload} on {subject}")

    def __enter__(self):
        return self

    def _close(self):
        self._input.close()
        self._socket.close()

    def __exit__(self, *_):
        self._close()


def store():
    """A folder for a server; used as a context manager."""
    return tempfile.TemporaryDirectory(prefix="nats-")
