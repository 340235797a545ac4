"""A program that obeys commands on stdin and answers each with a line of JSON."""

import json
import select
import subprocess

import cpu_time

DEADLINE = 60.0  # seconds for an answer, where none else is said


class Conversation:
    def __init__(self, command):
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         bufsize=0)
        self._heard = b""

    def cpu_ns(self):
        return cpu_time.of(self._process.pid)

    def hear(self, deadline=DEADLINE):
        """What it says next."""
        while b"\n" not in self._heard:
            if not select.select([self._process.stdout], [], [], deadline)[0]:
                raise RuntimeError(f"{self._process.args[0]} does not answer within {deadline} s")
            piece = self._process.stdout.read(65536)
            if not piece:
                raise RuntimeError(f"{self._process.args[0]} has ended")
            self._heard += piece
        line, self._heard = self._heard.split(b"\n", 1)
        return json.loads(line)

    def tell(self, *words):
        self._process.stdin.write(" ".join(map(str, words)).encode() + b"\n")

    def ask(self, *words, deadline=DEADLINE):
        self.tell(*words)
        answer = self.hear(deadline)
        if "fault" in answer:
            raise RuntimeError(f"{words}: {answer['fault']}")
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
