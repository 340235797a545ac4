"""CPU time of other processes."""

import time


def of(pid):
    """Nanoseconds, user and system, of all its threads, those that have ended included."""
    return time.clock_gettime_ns((~pid << 3) | 2)  # see clock_getcpuclockid(3)
