"""Progress: how a run stands, in a line now and then; the same few lines for ten thousand shards as for ten."""

from __future__ import annotations

import contextlib
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from vecmill.concurrency import start_thread
from vecmill.records import Account, RunFinished, RunStarted, ShardDone, ShardFailed, ShardRetried, Spent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vecmill.records import RunEvent, ShardFailure

INTERVAL_SECONDS = 15.0
TROUBLES = 20
"""Failed attempts that are told of in a line each; more are counted."""


class Progress:
    """What the events of a run add up to.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._plan: RunStarted | None = None
        self._began = clock()
        self._made = Account()
        self._shards = self._bytes = self._troubles = 0
        self._spent: Spent | None = None
        self._last = ""
        self._asked = 0.0

    def take(self, event: RunEvent) -> str | None:
        """Count an event in; return what is worth a line of its own."""
        with self._lock:
            match event:
                case RunStarted():
                    return self._start(event)
                case ShardDone(receipt, size):
                    if not self._shards:
                        self._began = max(self._clock() - receipt.seconds, self._began)
                    self._made += receipt.account
                    self._shards, self._bytes = self._shards + 1, self._bytes + size
                    if receipt.unsent:
                        return self._trouble(
                            f"shard {receipt.index} is left to the driver to send: {receipt.unsent[0]}"
                        )
                case ShardRetried(shard, error):
                    return self._trouble(f"shard {shard} is tried again: {error}")
                case ShardFailed(failure):
                    return self._fail(failure)
                case Spent():
                    self._spent, self._asked = event, self._clock()
                case RunFinished():
                    return "all shards are done"
        return None

    @property
    def figures(self) -> dict[str, Any]:
        """How the run stands in numbers, by the names that a ``Status`` gives them; empty before it has begun."""
        with self._lock:
            plan = self._plan
            if plan is None:
                return {}
            seconds = max(self._clock() - self._began, 1e-9)
            spent = self._spent
            done = plan.done + self._shards
            share = (plan.done_bytes + self._bytes) / plan.bytes if plan.bytes else 0.0
            return {
                "state": "running",
                "shards": plan.shards,
                "shards_done": done,
                "percent": 100.0 if done >= plan.shards else round(min(99.9, 100 * share), 1),
                "documents": self._made.documents_in,
                "chunks": self._made.chunks,
                "containers": spent.machines if spent is not None else 0,
                "cost_usd": round(self._dollars(spent), 4) if spent is not None else 0.0,
                "seconds_left": self._seconds_left(plan, seconds),
                **({"error": self._last} if self._last else {}),
            }

    @property
    def line(self) -> str:
        """How the run stands; empty before it has begun."""
        with self._lock:
            plan = self._plan
            if plan is None:
                return ""
            seconds = max(self._clock() - self._began, 1e-9)
            made = self._made
            parts = [
                f"{plan.done + self._shards:,}/{plan.shards:,} shards",
                f"{made.documents_in:,} documents",
                f"{made.chunks:,} chunks",
                f"{made.chunks / seconds:,.0f} chunks/s",
                f"{made.characters / seconds:,.0f} characters/s",
            ]
            if self._spent is not None:
                parts.append(f"{self._spent.machines:,} {'container' if self._spent.machines == 1 else 'containers'}")
                parts.append(f"about {self._dollars(self._spent):,.2f} {self._spent.cost.currency}")
            if self._troubles > TROUBLES:
                parts.append(f"{self._troubles:,} failed attempts")
            return ", ".join([*parts, self._left(plan, seconds)])

    def _start(self, plan: RunStarted) -> str:
        # a run starts once more when documents with an id of an earlier shard are set aside
        self._plan, self._began = plan, self._clock()
        self._made, self._shards, self._bytes = Account(), 0, 0
        return f"{plan.shards:,} {'shard' if plan.shards == 1 else 'shards'}, {plan.done:,} done before"

    def _fail(self, failure: ShardFailure) -> str | None:
        if failure.attempts:
            return self._trouble(f"shard {failure.index} failed: {failure.error}")
        known, self._last = self._last, failure.error  # not begun: the reason is the same for all
        return failure.error if failure.error != known else None

    def _trouble(self, line: str) -> str | None:
        self._last = line
        self._troubles += 1
        return line if self._troubles <= TROUBLES else None

    def _dollars(self, spent: Spent) -> float:
        """Return what the run has cost by now: an event comes only when a shard does."""
        return spent.cost.estimate + spent.machines * spent.cost.price_per_second * (self._clock() - self._asked)

    def _left(self, plan: RunStarted, seconds: float) -> str:
        if plan.done + self._shards >= plan.shards:
            return "complete"
        left = self._seconds_left(plan, seconds)
        return "waiting for the first shard" if left is None else f"{timedelta(seconds=round(left))} left"

    def _seconds_left(self, plan: RunStarted, seconds: float) -> float | None:
        """Return how long the rest takes at this pace; None until the first shard is done."""
        if not self._bytes:
            return None
        return (plan.bytes - plan.done_bytes - self._bytes) * seconds / self._bytes


@contextlib.contextmanager
def report_progress(
    say: Callable[[str], None],
    interval: float = INTERVAL_SECONDS,
    note: Callable[[dict[str, Any]], None] = lambda _: None,
) -> Iterator[Callable[[RunEvent], None]]:
    """Tell of a run in lines: what goes wrong at once, how it stands every ``interval`` seconds, events or none.

    Args:
        say: Takes a line.
        interval: Seconds.
        note: Takes the same in numbers, when the run begins and whenever there may be a line.
    """
    progress, over = Progress(), threading.Event()

    def tell(event: RunEvent) -> None:
        if line := progress.take(event):
            say(line)
        if isinstance(event, RunStarted):
            note(progress.figures)

    def tick() -> None:
        while not over.wait(interval):
            note(progress.figures)
            if line := progress.line:
                say(line)

    thread = start_thread("progress", tick)
    try:
        yield tell
    finally:
        over.set()
        thread.join()
        note(progress.figures)
        if line := progress.line:
            say(line)
