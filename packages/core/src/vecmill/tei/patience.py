"""Patience: how often, and for how long, a request is tried again."""

from __future__ import annotations

import collections
import random
import time

from vecmill.errors import EngineError
from vecmill.tei.faults import Fault, Kind

REPEATS = {Kind.FAILED: 2, Kind.DAMAGED: 2}
"""More of the same is not to be expected from a model that failed three times."""
FIRST_S = 0.05
LONGEST_S = 2.0


class Patience:
    """One request's.

    Args:
        attempts: How often a request is sent that breaks something.
        wait_s: How long to wait for a router that is busy or away.
    """

    def __init__(self, attempts: int, wait_s: float) -> None:
        self._attempts = attempts
        self._wait_s = wait_s
        self._began = time.monotonic()
        self._seen: collections.Counter[Kind] = collections.Counter()

    def seen(self, kind: Kind) -> int:
        """Return how often this went wrong."""
        return self._seen[kind]

    def after(self, fault: Fault) -> float:
        """Return the seconds to wait before the next attempt: longer each time, and never quite the same.

        Raises:
            EngineError: It was tried often and long enough.
        """
        self._seen[fault.kind] += 1
        waited = time.monotonic() - self._began
        if fault.kind in {Kind.BUSY, Kind.AWAY}:
            if waited >= self._wait_s:
                raise EngineError(f"{fault}; waited {waited:.0f} s for it (embedder.wait_s)") from fault
        elif self._seen[fault.kind] > min(REPEATS.get(fault.kind, self._attempts), self._attempts - 1):
            raise EngineError(f"{fault}; tried {self._seen[fault.kind]} times (embedder.attempts)") from fault
        longest: float = min(LONGEST_S, FIRST_S * 2 ** (self._seen.total() - 1))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads requests, keeps no secret
