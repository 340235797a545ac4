"""Runs a command under the system call filters of a systemd unit: unit_sandbox.py UNIT COMMAND...

systemd makes these filters with libseccomp, and so does this. They are those of SystemCallFilter=,
RestrictAddressFamilies=, RestrictRealtime= and MemoryDenyWriteExecute=. Status 77, and the reason on stderr, where
the kernel takes none.
"""

import ctypes
import errno
import functools
import os
import pathlib
import socket
import subprocess
import sys

ALLOW = 0x7FFF0000
EQUAL, GREATER, MASKED_EQUAL = 4, 6, 7
SCHED_IDLE = 5
SHM_EXEC, PROT_WRITE, PROT_EXEC = 0o100000, 2, 4


def refuse(number):
    return 0x00050000 | number


class Comparison(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("operator", ctypes.c_int), ("a", ctypes.c_uint64),
                ("b", ctypes.c_uint64)]


def values(unit, name):
    """Of the unit's lines of that name, in their order."""
    return [line.partition("=")[2] for line in unit.splitlines() if line.startswith(f"{name}=")]


@functools.cache
def members(group):
    """Names of system calls in `@group`, as systemd has them."""
    said = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True)
    named = [line.strip() for line in said.stdout.splitlines()[1:] if line.strip() and "#" not in line]
    return {call for name in named for call in expand(name)}


def expand(name):
    return members(name) if name.startswith("@") else {name}


def allowed(unit):
    """System calls that the unit's process may make: systemd takes line by line."""
    calls = set(members("@default"))
    for value in values(unit, "SystemCallFilter"):
        named = {call for name in value.lstrip("~").split() for call in expand(name)}
        calls = calls - named if value.startswith("~") else calls | named
    return calls


class Filter:
    def __init__(self, default):
        self._library = ctypes.CDLL("libseccomp.so.2")
        self._library.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._library.seccomp_init(ctypes.c_uint32(default)))

    def add(self, action, call, *comparisons):
        """Nothing where this architecture has no such call."""
        number = self._library.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:
            array = (Comparison * len(comparisons))(*comparisons)
            failed = self._library.seccomp_rule_add_array(self._context, ctypes.c_uint32(action), number,
                                                          len(comparisons), array)
            assert failed == 0, (call, os.strerror(-failed))

    def load(self):
        failed = self._library.seccomp_load(self._context)
        if failed:
            print(f"no filter of system calls here: {os.strerror(-failed)}", file=sys.stderr)
            sys.exit(77)


def restrict_arguments(unit):
    """What the unit forbids of calls that it allows."""
    filter_ = Filter(ALLOW)
    families = {getattr(socket, name) for name in " ".join(values(unit, "RestrictAddressFamilies")).split()}
    for family in set(range(1, 46)) - families if families else ():
        filter_.add(refuse(errno.EAFNOSUPPORT), "socket", Comparison(0, EQUAL, family))
    if values(unit, "RestrictRealtime") == ["yes"]:
        filter_.add(refuse(errno.EPERM), "sched_setscheduler", Comparison(1, GREATER, SCHED_IDLE))
        for policy in os.SCHED_FIFO, os.SCHED_RR:
            filter_.add(refuse(errno.EPERM), "sched_setscheduler", Comparison(1, EQUAL, policy))
    if values(unit, "MemoryDenyWriteExecute") == ["yes"]:
        both = PROT_WRITE | PROT_EXEC
        filter_.add(refuse(errno.EPERM), "mmap", Comparison(2, MASKED_EQUAL, both, both))
        filter_.add(refuse(errno.EPERM), "shmat", Comparison(2, MASKED_EQUAL, SHM_EXEC, SHM_EXEC))
        for call in "mprotect", "pkey_mprotect":
            filter_.add(refuse(errno.EPERM), call, Comparison(2, MASKED_EQUAL, PROT_EXEC, PROT_EXEC))
    filter_.load()


def restrict_calls(unit):
    [name] = values(unit, "SystemCallErrorNumber")
    filter_ = Filter(refuse(getattr(errno, name)))
    for call in allowed(unit):
        filter_.add(ALLOW, call)
    filter_.load()


def main():
    unit = pathlib.Path(sys.argv[1]).read_text()
    restrict_arguments(unit)
    restrict_calls(unit)
    os.execv(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
