"""Budget: about what a run has cost so far, and whether another shard can be paid for."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from vecmill.records import Cost

if TYPE_CHECKING:
    from collections.abc import Callable

    from vecmill_modal_runtime.options import ModalOptions


class Budget:
    """Adds up the time of the containers that are at work, or wait to be.

    An estimate from above: a container is counted from the moment its shard is handed to Modal, so that its
    start is in it, until it has waited in vain for another.

    Args:
        options: Which machines, and the limit if there is one.
        earlier: What earlier commands spent on the run; it counts.
        shard: What a shard is expected to cost, until the first are done.
        clock: Seconds.
    """

    def __init__(
        self,
        options: ModalOptions,
        earlier: Cost | None = None,
        shard: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = options.ceiling
        self._options = options
        self._price = options.price
        self._before = earlier or Cost(estimate=0, container_seconds=0, price_per_second=self._price)
        self._clock = clock
        self._last = clock()
        self._busy = 0
        self._waiting: list[float] = []
        self._seconds = 0.0
        self._guess = shard
        self._landed: list[float] = []
        self._lock = threading.RLock()  # shards are given out in one thread and come back in another

    def busy(self, containers: int) -> None:
        """Say how many containers are at work from now on; those that are not any more wait for a while."""
        with self._lock:
            now = self._count()
            released = [now + self._options.scaledown_window] * (self._busy - containers)
            self._waiting = [*self._waiting[max(0, containers - self._busy) :], *released]
            self._busy = containers

    def add_duration(self, seconds: float) -> None:
        """Say how long a worker took for a shard."""
        self._landed.append(seconds * self._price / self._options.concurrency)

    def close(self) -> None:
        """Say that there will be no more work: containers end when they have waited long enough."""
        self.busy(0)
        self._seconds += sum(until - self._last for until in self._waiting)
        self._waiting.clear()

    def affords(self, flying: int) -> bool:
        """Whether one more shard can be begun, so that it and those that fly are done within the limit.

        The time for which their containers wait afterwards counts, for it is paid for too.
        """
        if self._limit is None:
            return True
        at_once = self._options.max_containers * self._options.concurrency
        if not self._landed and flying >= at_once:
            return False  # what a shard costs is not known yet
        return self.spent + self.shard * (flying + 1) + self._idle_cost(flying + 1) < self._limit

    @property
    def refusal(self) -> str:
        """Why a shard was not begun, and what to do."""
        return (
            f"not begun: the run has cost about ${self.spent:.2f}, one shard about ${self.shard:.2f}, the "
            f"{self._options.scaledown_window} s for which a container waits afterwards (runtime.scaledown_window) "
            f"${self._idle_cost(1):.2f}, and runtime.max_cost_usd is {self._limit}. Raise it to go on; what is done is "
            "kept"
        )

    @property
    def shard(self) -> float:
        """What a shard costs, in dollars."""
        return sum(self._landed) / len(self._landed) if self._landed else self._guess

    @property
    def containers(self) -> int:
        """How many containers are at work."""
        return self._busy

    @property
    def spent(self) -> float:
        """What the run has cost so far, in dollars."""
        self._count()
        return self._before.estimate + self._seconds * self._price

    @property
    def cost(self) -> Cost:
        """The same, with how it came about."""
        return Cost(
            estimate=round(self.spent, 6),
            gpu=" or ".join(self._options.gpu),
            container_seconds=round(self._before.container_seconds + self._seconds, 3),
            price_per_second=round(self._price, 9),
        )

    def _idle_cost(self, shards: int) -> float:
        """Return what it will cost that containers wait: those that do now, and those that do these shards."""
        with self._lock:
            now = self._count()
            containers = min(self._options.max_containers, -(-shards // self._options.concurrency))
            waiting = self._waiting[max(0, containers - self._busy) :]
            seconds = containers * self._options.scaledown_window + sum(until - now for until in waiting)
        return seconds * self._price

    def _count(self) -> float:
        """Add the time since the last look."""
        with self._lock:
            now = self._clock()
            self._seconds += self._busy * (now - self._last)
            self._seconds += sum(max(0.0, min(now, until) - self._last) for until in self._waiting)
            self._waiting = [until for until in self._waiting if until > now]
            self._last = now
            return now
