"""Processes: all that a command started, found by a variable in their environment however deep they are."""

from __future__ import annotations

import contextlib
import os
import signal
import time
import uuid
from pathlib import Path

VARIABLE = "VECMILL_TEST_FAMILY"
PATIENCE_S = 60


class Family:
    """The processes whose environment carries the same mark. Linux alone shows it.

    Attributes:
        environment: What to start the first of them with.
    """

    def __init__(self) -> None:
        self._mark = uuid.uuid4().hex
        self.environment = {**os.environ, VARIABLE: self._mark}

    def pids(self) -> list[int]:
        """Return those that live, the oldest first."""
        needle = f"{VARIABLE}={self._mark}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it ended while it was looked at, or is another user's
                if needle in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
        return sorted(found)

    def kill(self, *pids: int) -> None:
        """Kill some of them at once."""
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def wait_until_gone(self) -> None:
        """Wait until none is left.

        Raises:
            AssertionError: Some stay.
        """
        deadline = time.monotonic() + PATIENCE_S
        while left := self.pids():
            assert time.monotonic() < deadline, f"orphans: {[_command(pid) for pid in left]}"
            time.sleep(0.02)


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return str(pid)
