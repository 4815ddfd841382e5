"""Work: what workers have done, are doing, and did in vain."""

from __future__ import annotations

from typing import NamedTuple


class Counts(NamedTuple):
    """What has gone through the mill."""

    documents: int = 0
    chunks: int = 0
    tokens: int = 0
    bytes: int = 0

    def plus(self, other: Counts) -> Counts:
        """Return both together."""
        return Counts(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


class Work:
    """Counts by shard, as workers report them.

    Attributes:
        finished: Of the shards that are done.
    """

    def __init__(self) -> None:
        self.finished = Counts()
        self._running: dict[int, Counts] = {}
        self._lost = Counts()

    @property
    def useful(self) -> Counts:
        """What counts for the dataset: finished shards, and those under way."""
        total = self.finished
        for counts in self._running.values():
            total = total.plus(counts)
        return total

    @property
    def all(self) -> Counts:
        """The same with what failed attempts did: speed is speed, even in vain."""
        return self.useful.plus(self._lost)

    def progress(self, shard: int, counts: Counts) -> None:
        """Take note of how far a shard is; one that is not as far as it was has been begun anew."""
        if counts.chunks < self._running.get(shard, counts).chunks:
            self.lose(shard)
        self._running[shard] = counts

    def finish(self, shard: int, counts: Counts) -> None:
        """Take note of a finished shard."""
        self._running.pop(shard, None)
        self.finished = self.finished.plus(counts)

    def lose(self, shard: int) -> None:
        """Write off a failed attempt."""
        self._lost = self._lost.plus(self._running.pop(shard, Counts()))

    def restart(self) -> None:
        """Begin to count anew."""
        self._lost, self.finished, self._running = self.all, Counts(), {}
