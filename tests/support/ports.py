"""Ports for programs that cannot tell which one they took, or that come back on the same."""

import random
import socket

FIXED = {18127}  # where tests/container/images serves
_claims = []  # open until this process ends


def _claim(port):
    """Whether it is this process's now, of all that ask here. A name that lives as long as its socket
    leaves nothing behind, and is as wide as ports are: it belongs to the network namespace."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0backpack-bridge-test-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True


def free_port():
    """Free, this process's as long as it lives, and outside the range from which the system takes the
    ports of outgoing connections and of listeners at port 0."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        first, last = map(int, file.read().split())
    candidates = [port for port in range(10_000, 65_536) if not first <= port <= last and port not in FIXED]
    random.shuffle(candidates)
    for port in candidates:
        if not _claim(port):
            continue
        try:
            with socket.create_server(("", port)):
                return port
        except OSError:
            continue  # somebody's who does not ask here
    raise RuntimeError("every port from 10000 on that the system does not use itself is taken")
