"""Progress statistics: what is done of a run, how fast, and how long the rest takes."""

from __future__ import annotations

import collections
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from vecmill.records import (
    DocumentsRetried,
    Publishing,
    RunFinished,
    RunStarted,
    RunSubmitted,
    ShardDone,
    ShardFailed,
    ShardProgress,
    ShardRetried,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from vecmill.records import RunEvent


class Counts(NamedTuple):
    """Documents, chunks, tokens and bytes of text."""

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
        """The same with failed attempts, which count for the speed."""
        return self.useful.plus(self._lost)

    def progress(self, shard: int, counts: Counts) -> None:
        """Note how far a shard is; one with fewer chunks than before has started again."""
        if counts.chunks < self._running.get(shard, counts).chunks:
            self.lose(shard)
        self._running[shard] = counts

    def finish(self, shard: int, counts: Counts) -> None:
        """Note a finished shard."""
        self._running.pop(shard, None)
        self.finished = self.finished.plus(counts)

    def lose(self, shard: int) -> None:
        """Write off a failed attempt."""
        self._lost = self._lost.plus(self._running.pop(shard, Counts()))

    def restart(self) -> None:
        """Start counting again."""
        self._lost, self.finished, self._running = self.all, Counts(), {}


WINDOW_SECONDS = 30.0
SPACING_SECONDS = 0.5
ENOUGH_SECONDS = 2.0


class Speed(NamedTuple):
    """Counts per second."""

    chunks: float
    tokens: float
    bytes: float


class Rate:
    """The speed over the last half minute or so. A stall lowers it."""

    def __init__(self) -> None:
        self._samples: collections.deque[tuple[float, Counts]] = collections.deque()

    @property
    def begun(self) -> bool:
        """Whether anything was counted."""
        return bool(self._samples)

    def add(self, now: float, counts: Counts) -> None:
        """Note the counts at a time."""
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


PREPARING, SUBMITTED, STARTING, EMBEDDING = "preparing", "submitted", "starting", "embedding"
FINISHING, PUBLISHING = "finishing", "publishing"


@dataclass(frozen=True, slots=True)
class View:
    """A run at one time.

    Attributes:
        phase: The phase that the command is in.
        seconds: How long it has been at work.
        shards: Of the whole run.
        shards_done: Those of earlier commands included.
        bytes: Text of the whole run.
        bytes_done: The same, so far.
        counts: What this command has embedded.
        speed: Over the last half minute; ``None`` while it is too early to say.
        left: Seconds to go at this speed; ``None`` while it is too early to say.
        delivery: How far a publisher is with the bytes of the dataset, if one reports it.
    """

    phase: str
    seconds: float
    shards: int
    shards_done: int
    bytes: int
    bytes_done: int
    counts: Counts
    speed: Speed | None
    left: float | None
    delivery: Publishing | None = None

    @property
    def share(self) -> float:
        """How much of the run is done, from 0 to 1."""
        return self.bytes_done / self.bytes if self.bytes else self.shards_done / max(1, self.shards)


class ProgressStats:
    """Takes events, from any thread, and shows how the run stands.

    Attributes:
        started: The event with which the run began or resumed; ``None`` before.
        shards_made: Shards that this command finished.
        made: What was in them.
        retried: How many refused documents were embedded now, if any were tried again.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.started: RunStarted | None = None
        self.shards_made = 0
        self.made = Counts()
        self._clock = clock
        self._began = clock()
        self._phase = PREPARING
        self._lock = threading.Lock()
        self.retried: DocumentsRetried | None = None
        self._delivery: Publishing | None = None
        self._work = Work()
        self._rate = Rate()
        self._shards_done = 0
        self._first = self._last = 0.0

    def take(self, event: RunEvent) -> None:
        """Count an event in."""
        with self._lock:
            match event:
                case RunSubmitted():
                    self._phase = SUBMITTED
                case RunStarted():
                    self._start(event)
                case ShardProgress(progress):
                    counts = Counts(progress.documents, progress.chunks, progress.tokens, progress.bytes)
                    self._phase = EMBEDDING
                    self._work.progress(progress.shard, counts)
                    self._rate.add(self._clock(), self._work.all)
                case ShardDone():
                    self._finish(event)
                case ShardRetried(shard):
                    self._work.lose(shard)
                case ShardFailed(failure):
                    self._work.lose(failure.index)
                case DocumentsRetried():
                    self.retried = event
                case RunFinished():
                    self._phase = PUBLISHING
                case Publishing():
                    self._delivery = event

    def view(self) -> View:
        """Return how the run stands now."""
        with self._lock:
            now, plan, counts = self._clock(), self.started, self._work.useful
            speed = self._rate.speed(now, self._work.all)
            size = plan.bytes if plan else 0
            done = min(size, counts.bytes + (plan.done_bytes if plan else 0))
            return View(
                phase=self._phase,
                seconds=now - self._began,
                shards=plan.shards if plan else 0,
                shards_done=self._shards_done,
                bytes=size,
                bytes_done=done,
                counts=counts,
                speed=speed,
                left=(size - done) / speed.bytes if speed and speed.bytes else None,
                delivery=self._delivery,
            )

    @property
    def embedding_seconds(self) -> float:
        """From the first text that a worker read to the last shard that was written, without loading the model."""
        return self._last - self._first

    def _start(self, event: RunStarted) -> None:
        # A run starts once more when documents with an id of an earlier shard are quarantined.
        self._work.restart()
        self.started = event
        self._shards_done = event.done
        self._phase = STARTING if event.done < event.shards else FINISHING

    def _finish(self, event: ShardDone) -> None:
        receipt, now = event.receipt, self._clock()
        account, begun = receipt.account, now - receipt.seconds
        counts = Counts(account.documents_in, account.chunks, account.tokens, event.bytes)
        if not self._rate.begun:
            self._rate.add(begun, self._work.all)
        self._work.finish(receipt.index, counts)
        self._rate.add(now, self._work.all)
        self._first = min(self._first, begun) if self.shards_made else begun
        self._last = now
        self.made = self.made.plus(counts)
        self.shards_made += 1
        self._shards_done += 1
        done = self.started is not None and self._shards_done >= self.started.shards
        self._phase = FINISHING if done else EMBEDDING
