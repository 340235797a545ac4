#!/usr/bin/python3
"""A consumer as a process: notes in a file what it receives, one record a message.

onlooker.py ENDPOINT FILE PAUSE: between two looks it sleeps for PAUSE seconds, 0 for a consumer
that keeps up; SIGUSR1 ends all sleep.
"""

import signal
import struct
import sys
import time
import zlib

import zmq

HEAD = struct.Struct("<IQH")  # fingerprint, sequence, bytes of the topic, which follows

_SMALL_BUFFER = 4096


def read_records(path):
    """Triples of topic, sequence and fingerprint. A record that was cut off by a kill is none."""
    with open(path, "rb") as file:
        content = file.read()
    at = 0
    while at + HEAD.size <= len(content):
        fingerprint, sequence, length = HEAD.unpack_from(content, at)
        end = at + HEAD.size + length
        if end > len(content):
            return
        yield content[at + HEAD.size:end].decode(), sequence, fingerprint
        at = end


def _subscribe(endpoint, is_slow):
    socket = zmq.Context.instance().socket(zmq.SUB)
    socket.linger = 0
    if is_slow:
        socket.rcvhwm = 100
        socket.rcvbuf = _SMALL_BUFFER
    else:
        socket.rcvhwm = 0
    socket.subscribe("")
    socket.connect(endpoint)
    return socket


def main():
    endpoint, path, pause = sys.argv[1], sys.argv[2], float(sys.argv[3])
    hurries = False

    def hurry(*_):
        nonlocal hurries
        hurries = True

    signal.signal(signal.SIGUSR1, hurry)
    socket = _subscribe(endpoint, pause > 0)
    with open(path, "wb", buffering=0) as file:
        while True:
            end = time.monotonic() + pause
            while not hurries and time.monotonic() < end:
                time.sleep(0.1)
            records = []
            while socket.poll(0 if records else 200) and len(records) < 200_000:
                topic, payload, header = socket.recv_multipart()
                sequence = struct.unpack_from("<Q", header, 16)[0]
                fingerprint = zlib.crc32(header, zlib.crc32(payload))
                records.append(HEAD.pack(fingerprint, sequence, len(topic)) + topic)
                if not pause and len(records) >= 100:
                    break
            if records:
                file.write(b"".join(records))


if __name__ == "__main__":
    main()
