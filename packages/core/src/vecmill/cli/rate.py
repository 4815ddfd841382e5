"""Rate: how fast the work goes, of late."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from vecmill.cli.work import Counts

WINDOW_SECONDS = 30.0
SPACING_SECONDS = 0.5
ENOUGH_SECONDS = 2.0


class Speed(NamedTuple):
    """Counts per second."""

    chunks: float
    tokens: float
    bytes: float


class Rate:
    """The speed over the last half minute or so. Stalls show: time goes on while the counts stand still."""

    def __init__(self) -> None:
        self._samples: collections.deque[tuple[float, Counts]] = collections.deque()

    @property
    def begun(self) -> bool:
        """Whether anything was counted."""
        return bool(self._samples)

    def add(self, now: float, counts: Counts) -> None:
        """Take note of the counts at a time."""
        samples = self._samples
        if not samples or now - samples[-1][0] >= SPACING_SECONDS:
            samples.append((now, counts))
        # One sample older than the window stays: it is where the window begins.
        while len(samples) > 1 and now - samples[1][0] > WINDOW_SECONDS:
            samples.popleft()

    def speed(self, now: float, counts: Counts) -> Speed | None:
        """Return the speed from the window's beginning to now; ``None`` while it is too early to say."""
        if not self._samples or now - self._samples[0][0] < ENOUGH_SECONDS:
            return None
        then, before = self._samples[0]
        return Speed(*(max(0, getattr(counts, key) - getattr(before, key)) / (now - then) for key in Speed._fields))
