"""Processes: who descends from whom, and which files they have open, as the kernel tells."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterable


def children(process: int) -> list[int]:
    """Return a process's own children."""
    try:
        return [
            int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8").split()
        ]
    except OSError:  # it ended meanwhile
        return []


def family(process: int) -> list[int]:
    """Return a process and all that descend from it."""
    found = [process]
    for number in found:
        found += children(number)
    return found


def send(number: signal.Signals, processes: Iterable[int]) -> None:
    """Send a signal to those of some processes that have not ended meanwhile."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def open_files(process: int) -> list[str]:
    """Return where a process's descriptors and its working folder point."""
    home = Path(f"/proc/{process}")
    found: list[str] = []
    try:
        links = [home / "cwd", *(home / "fd").iterdir()]
    except OSError:  # it ended meanwhile
        return found
    for link in links:
        with contextlib.suppress(OSError):  # it was closed meanwhile
            found.append(str(link.readlink()))
    return found
