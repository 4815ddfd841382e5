"""Budget: about what a run has cost so far."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Budget:
    """Adds up the time of the containers that are at work.

    An estimate from above: a container is counted from the moment its shard is handed to Modal, so
    that the time it needs to start is in it.

    Args:
        price: Dollars for a second of one container.
        limit: Dollars, if there is a limit.
        clock: Seconds.
    """

    def __init__(self, price: float, limit: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._price = price
        self._limit = limit
        self._clock = clock
        self._last = clock()
        self._busy = 0
        self.spent = 0.0

    def busy(self, containers: int) -> None:
        """Say how many containers are at work from now on."""
        now = self._clock()
        self.spent += self._busy * (now - self._last) * self._price
        self._busy, self._last = containers, now

    @property
    def exhausted(self) -> bool:
        """Whether the limit is reached."""
        self.busy(self._busy)
        return self._limit is not None and self.spent >= self._limit
