"""Usage: what the processes of a run hold, looked at twice a second."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading

    from reliability.processes import Family

SECONDS = 0.5


@dataclass
class Usage:
    """What a process held while it lived: resident bytes and open files, by the second."""

    seconds: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def growth(self) -> tuple[float, int]:
        """Return how much more memory (a ratio) and files (a number) the last third needed than the middle one."""
        third = len(self.memory) // 3
        before, after = slice(third, 2 * third), slice(2 * third, None)
        memory = max(self.memory[after]) / max(self.memory[before])
        return memory, max(self.files[after]) - max(self.files[before])


def watch(family: Family, driver: int, usage: dict[str, Usage], over: threading.Event) -> None:
    """Look at the driver and the worker until it is over."""
    began = time.monotonic()
    while not over.wait(SECONDS):
        for pid in family.pids():
            with contextlib.suppress(OSError, IndexError):  # it has ended just now
                found = usage["driver" if pid == driver else "worker"]
                memory, files = _memory(pid), len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - names alone
                found.seconds.append(time.monotonic() - began)
                found.memory.append(memory)
                found.files.append(files)


def _memory(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
