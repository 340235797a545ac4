"""Ports for programs that cannot tell which one they took, or that come back on the same."""

import random
import socket


def free_port():
    """Free a moment ago, and outside the range from which the system takes the ports of outgoing
    connections and of listeners at port 0: only another caller could take it meanwhile."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        first, last = map(int, file.read().split())
    candidates = [port for port in range(10_000, 65_536) if not first <= port <= last]
    random.shuffle(candidates)
    for port in candidates:
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
    raise RuntimeError("every port from 10000 on that the system does not use itself is taken")
