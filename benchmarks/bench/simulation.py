"""Simulation: containers that wait for their driver."""

from __future__ import annotations

import heapq
import random


def efficiency(containers: int, shard_s: float, driver_s: float, per_container: int = 60) -> float:
    """Simulate a run; return the share of the containers' time that is work.

    Each container does shards of about ``shard_s`` seconds and has one more task waiting, so it stands still only if
    the driver has not taken what it made two shards ago. The driver takes ``driver_s`` for each, one after the other.
    """
    chance = random.Random(0)  # noqa: S311 - it keeps no secret
    done = [(shard_s * chance.uniform(0.8, 1.2), number) for number in range(containers)]
    heapq.heapify(done)
    taken = [0.0] * containers
    worked, free = sum(end for end, _ in done), 0.0
    for _ in range(containers * (per_container - 1)):
        end, container = done[0]
        begin, taken[container] = max(end, taken[container]), max(free, end) + driver_s
        free, length = taken[container], shard_s * chance.uniform(0.8, 1.2)
        worked += length
        heapq.heapreplace(done, (begin + length, container))
    for end, _ in sorted(done):
        free = max(free, end) + driver_s
    return worked / (containers * free)
