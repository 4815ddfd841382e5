"""Serve: the contender's side. A process of its own loads, says so, and then does the work it is told to do, timed.

A line of JSON each way. It is imported by interpreters that have nothing of ours: standard library alone.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import resource
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Work = Callable[[Any], Any]


def serve(load: Callable[[dict[str, Any]], Work], *packages: str) -> None:
    """Load with the settings that come first, then do the work of each line that follows.

    Args:
        load: Given the settings, returns what does the work; an exception means that it cannot be measured here.
        packages: Distributions whose versions are reported.
    """
    stream = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer

    def say(**answer: Any) -> None:
        stream.write(json.dumps(answer) + "\n")
        stream.flush()

    settings = json.loads(sys.stdin.readline())
    if settings.get("one_processor"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # Linux only
    try:
        began = time.perf_counter()
        work = load(settings)
        say(load_seconds=time.perf_counter() - began, versions={name: _version(name) for name in packages})
        for line in sys.stdin:
            say(**_timed(work, json.loads(line), settings.get("repeat", 1)))
    except Exception as error:  # noqa: BLE001 - a library may raise anything, and the reason is the result
        say(unavailable=f"{type(error).__name__}: {error}"[:400])
    os._exit(0)  # some engines never come back from their own exit


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "?"


def _timed(work: Work, task: dict[str, Any], repeat: int) -> dict[str, Any]:
    with open(task["input"], encoding="utf-8") as file:  # noqa: PTH123 - a contender's libraries are loaded lazily, this one too
        given = json.load(file)
    processors, wall = _processor_seconds(), time.perf_counter()
    for _ in range(repeat):
        made = work(given)
    taken = {"wall": (time.perf_counter() - wall) / repeat, "cpu": (_processor_seconds() - processors) / repeat}
    if task.get("output"):
        _save(made, task["output"])
    return {**taken, "peak_mb": _peak_mb(), "facts": made if isinstance(made, dict) else {}}


def _processor_seconds() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = sum(sum(map(int, fields[11:13])) for fields in map(_stat, _descendants()) if fields)
    return time.process_time() + ended.ru_utime + ended.ru_stime + ticks / os.sysconf("SC_CLK_TCK")


def _peak_mb() -> float:
    who = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    ended = [resource.getrusage(each).ru_maxrss for each in who]
    return max(ended + [_high_water(process) for process in _descendants()]) / 1000


def _descendants() -> set[int]:
    """Return the processes that this one started, and those that they started."""
    parents = {int(name): _stat(int(name)) for name in os.listdir("/proc") if name.isdigit()}  # noqa: PTH208 - Linux only
    found, added = {os.getpid()}, {0}
    while added:
        added = {process for process, fields in parents.items() if fields and int(fields[1]) in found} - found
        found |= added
    return found - {os.getpid()}


def _stat(process: int) -> list[str]:
    """Return a process's fields from its state on; none if it has ended."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as file:  # noqa: PTH123 - (the same)
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []


def _high_water(process: int) -> int:
    try:
        with open(f"/proc/{process}/status", encoding="utf-8") as file:  # noqa: PTH123 - (the same)
            return next((int(line.split()[1]) for line in file if line.startswith("VmHWM")), 0)
    except OSError:
        return 0


def _save(made: Any, path: str) -> None:
    if hasattr(made, "tofile"):
        import numpy as np

        with open(path, "wb") as file:  # noqa: PTH123 - (the same)
            np.save(file, made)
        return
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - (the same)
        json.dump(made, file)
