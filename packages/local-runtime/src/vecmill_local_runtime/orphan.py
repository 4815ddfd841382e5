"""Orphan: a worker process without a driver, which must not be."""

from __future__ import annotations

import contextlib
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it ends, where there is a kernel that does so.

    The closed pipe says the same, but a thread must read it: a process that is stopped, or stuck in a library that
    holds the interpreter's lock, would stay.
    """
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):  # a libc without it: the pipe must do
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
