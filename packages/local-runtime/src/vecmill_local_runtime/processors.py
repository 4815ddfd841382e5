"""Processors: which ones this process may use, and how they are shared among workers."""

from __future__ import annotations

import itertools
import os

PER_WORKER = 8


def usable() -> list[int]:
    """Return the processors that this process may use; a container's limit is kept to."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def shares(workers: int | None, tasks: int) -> list[list[int]]:
    """Share the processors out, neighbours together.

    Args:
        workers: How many shares; by default one for every eight processors.
        tasks: There is no use in more workers than tasks.
    """
    cores = usable()
    count = max(1, min(workers or max(1, len(cores) // PER_WORKER), tasks))
    if count > len(cores):
        return [cores] * count
    bounds = [len(cores) * i // count for i in range(count + 1)]
    return [cores[start:end] for start, end in itertools.pairwise(bounds)]
