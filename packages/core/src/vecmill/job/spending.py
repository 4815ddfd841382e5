"""Spending: what a run has cost is kept beside its receipts, for a killed command's money is spent all the same."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from vecmill.store.state import write_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from vecmill.job.plan import Plan
    from vecmill.store.state import RunState

SECONDS = 10.0
"""How much of it a killed command may forget."""


class Spending:
    """Tells the runtime what earlier commands spent, and writes down what this one adds."""

    def __init__(self, plan: Plan, state: RunState, clock: Callable[[], float] = time.monotonic) -> None:
        self._plan, self._state, self._clock = plan, state, clock
        self._last = clock()
        self._lock = threading.Lock()  # events come from any thread
        plan.runtime.cost = state.cost

    def look(self) -> None:
        """Write it down, if that was not done just now."""
        if self._clock() - self._last >= SECONDS:
            self.save()

    def save(self) -> None:
        """Write it down, if it has changed; or if somebody has removed what was there, by which the run is known."""
        with self._lock:
            self._last = self._clock()
            cost = self._plan.runtime.cost
            if cost != self._state.cost or not self._plan.layout.run.exists():
                self._state = self._state.model_copy(update={"cost": cost})
                write_state(self._plan.layout, self._state)
