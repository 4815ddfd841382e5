"""Machine: what this process may use of it."""

from __future__ import annotations

import os
import re
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
MEMORY_LIMITS = ("memory.max", "memory/memory.limit_in_bytes")
MEMINFO = Path("/proc/meminfo")


def cores() -> int:
    """Return the number of processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def quota(root: Path = CGROUP) -> float | None:
    """Return how many processors' time a container may use; ``None`` if all of it."""
    try:
        allowed, period = (root / "cpu.max").read_text().split()
        return int(allowed) / int(period)
    except (OSError, ValueError):
        return None


def memory(root: Path = CGROUP) -> int | None:
    """Return the bytes of memory this process may use, a container's limit kept to; ``None`` if nobody says."""
    known = [size for size in (_physical(), *map(_number, (root / name for name in MEMORY_LIMITS))) if size]
    return min(known, default=None)


def available_memory(meminfo: Path = MEMINFO) -> int | None:
    """Return the bytes of memory that are free for use now; ``None`` if nobody says."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def _physical() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
