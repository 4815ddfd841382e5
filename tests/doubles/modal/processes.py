"""Processes: who descends from whom, and which files they have open, as the kernel tells."""

from __future__ import annotations

import contextlib
from pathlib import Path


def children(process: int) -> list[int]:
    """Return a process's own children."""
    try:
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:  # it ended meanwhile
        return []


def family(process: int) -> list[int]:
    """Return a process and all that descend from it."""
    found = [process]
    for number in found:
        found += children(number)
    return found


def open_files(process: int) -> list[str]:
    """Return where a process's descriptors and its working folder point."""
    home, found = Path(f"/proc/{process}"), []
    try:
        links = [home / "cwd", *(home / "fd").iterdir()]
    except OSError:  # it ended meanwhile
        return found
    for link in links:
        with contextlib.suppress(OSError):  # it was closed meanwhile
            found.append(str(link.readlink()))
    return found
