"""Limiter: how many texts may be at the router at the same time."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Limiter:
    """Finds out how much a router takes: a little more after each answer, half of it after a refusal.

    The router counts texts, not requests, so this does too. One request may always go, however many texts it
    has, so nothing waits for ever.

    Args:
        ceiling: Texts that are never exceeded, except by a request that is alone.
    """

    def __init__(self, ceiling: int) -> None:
        self._ceiling = max(1, ceiling)
        self._capacity = float(self._ceiling)
        self._used = 0
        self._round = 0
        self._changed = threading.Condition()

    @property
    def capacity(self) -> float:
        """Texts that may be at the router now."""
        return self._capacity

    @contextmanager
    def taken(self, texts: int) -> Iterator[int]:
        """Wait for room for a request, and keep it while the block runs; the value is the round it belongs to."""
        with self._changed:
            self._changed.wait_for(lambda: self._used == 0 or self._used + texts <= self._capacity)
            self._used += texts
            current = self._round
        try:
            yield current
        finally:
            with self._changed:
                self._used -= texts
                self._changed.notify_all()

    def answered(self, texts: int) -> None:
        """A request came back with vectors: allow about one more of its size for each capacity's worth of answers."""
        with self._changed:
            self._capacity = min(float(self._ceiling), self._capacity + texts * min(1.0, texts / self._capacity))
            self._changed.notify_all()

    def refused(self, current: int) -> None:
        """The router had no room. Requests of one round were sent by the same belief, and correct it once."""
        with self._changed:
            if current == self._round:
                self._round += 1
                self._capacity = max(1.0, min(self._capacity, self._used) / 2)
