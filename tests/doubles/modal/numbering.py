"""Numbering: ids such as ``fu-3``, which say what they name."""

from __future__ import annotations

import collections
import itertools


class Numbering:
    """Counts each kind of object on its own."""

    def __init__(self) -> None:
        self._counters: dict[str, itertools.count[int]] = collections.defaultdict(lambda: itertools.count(1))

    def __call__(self, kind: str) -> str:
        """Return a new id."""
        return f"{kind}-{next(self._counters[kind])}"
