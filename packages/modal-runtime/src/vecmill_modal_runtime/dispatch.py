"""Dispatch: shards go to Modal in a window, and what came of each comes back."""

from __future__ import annotations

import asyncio
import collections
import threading
import time
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from vecmill.errors import EngineError, StoreError, UnfitEngineError
from vecmill.records import Receipt, ShardFailure, ShardRetried, ShardStarted, Spent
from vecmill.runtimes import is_final
from vecmill.sanitize import redact_secrets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Sequence

    from vecmill.records import RunEvent, ShardTask
    from vecmill_modal_runtime.budget import Budget
    from vecmill_modal_runtime.options import ModalOptions


class Outcome(BaseModel):
    """A receipt, or an error. Without the shard's number nobody would know whose error it is.

    Attributes:
        final: Whether another attempt would fail the same way.
        engine: Whether other shards would, too, because the engine refuses whatever it is given.
        unusable: The container that did it, if that never had its model and its router.
        call: What Modal calls the ``map`` that the shard belongs to; empty where it does not say.
    """

    model_config = ConfigDict(frozen=True)

    index: int
    receipt: Receipt | None = None
    error: str = ""
    final: bool = False
    engine: bool = False
    unusable: str = ""
    call: str = ""


def failure(index: int, error: Exception, router: str = "", unusable: str = "") -> Outcome:
    """Return the outcome of an attempt that raised.

    Args:
        index: The shard's number.
        error: What was raised.
        router: How the router next to the worker ended, if it died; an engine's failure ends with it.
        unusable: The container, if it never had its model and its router.
    """
    final = is_final(error) and not isinstance(error, StoreError)  # a Volume that takes nothing now may do so later
    text = str(error) if str(error) and final else f"{type(error).__name__}: {error}"
    if router and isinstance(error, EngineError):
        text = f"{text}\n    {router}"
    # Here: a container has other secrets than the driver.
    return Outcome(
        index=index,
        error=redact_secrets(text),
        final=final,
        engine=isinstance(error, UnfitEngineError),
        unusable=unusable,
    )


POLL_SECONDS = 0.02
COUNT_SECONDS = 5.0
"""Between two reports of what the run has cost, though no shard comes back: who notes it loses no more than that."""
FAILED_STARTS = 5
"""Containers that may fail to start, and none with a shard done meanwhile, before no more are paid for."""


class Dispatch:
    """The shards of one run: to do, in flight, done.

    Args:
        tasks: What to do.
        options: The window's size and the number of attempts.
        budget: When to begin no more.
        report: Takes the attempts that failed, and what it costs.

    Attributes:
        call: What Modal calls the ``map``; empty until a shard has come back.
    """

    def __init__(
        self, tasks: Sequence[ShardTask], options: ModalOptions, budget: Budget, report: Callable[[RunEvent], None]
    ) -> None:
        self._todo = collections.deque(tasks)
        self._options = options
        self._budget = budget
        self._report = report
        self._in_flight: dict[int, ShardTask] = {}
        self._tried: collections.Counter[int] = collections.Counter()
        self._lost: list[str] = []
        self._any_done = False
        self._failed_starts: dict[str, str] = {}
        self._reported_starts: set[str] = set()
        self._lock = threading.Lock()  # a task is to do or in flight, also as the client's thread sees it
        self._closed = False
        self.call = ""

    @property
    def in_flight(self) -> int:
        """How many shards are with Modal."""
        return len(self._in_flight)

    def outcomes(
        self, run: Callable[[AsyncIterator[str]], Iterable[str | BaseException]]
    ) -> Generator[Receipt | ShardFailure, None, None]:
        """Yield an outcome for every task.

        Args:
            run: Takes a stream of tasks and yields, in any order, each one's outcome, or what Modal
                raised instead: a timeout, a container that could not be started.
        """
        try:
            for answer in run(self._feed()):
                yield from self._collect_answer(answer)
            yield from self._fail_rest()
        finally:
            self._closed = True

    async def _feed(self) -> AsyncIterator[str]:
        """Give out tasks as others come back. Runs in the client's own thread."""
        counted = time.monotonic()
        while not self._over:
            task = self._next()
            if task is None:
                if time.monotonic() - counted >= COUNT_SECONDS:
                    counted = time.monotonic()
                    self._count()
                await asyncio.sleep(POLL_SECONDS)
                continue
            self._report(ShardStarted(task.index, self._tried[task.index]))
            self._count()
            yield task.model_dump_json(exclude_defaults=True)

    @property
    def _over(self) -> bool:
        """Whether there will be no more to give out."""
        with self._lock:
            if self._hopeless and not self._in_flight:
                return True
            return self._closed or not (self._in_flight or (self._todo and self._budget.affords(0)))

    @property
    def _hopeless(self) -> bool:
        """Whether containers fail to start so often that the next ones would."""
        return len(self._failed_starts) >= FAILED_STARTS

    def _next(self) -> ShardTask | None:
        """Take the next task, if it may begin now."""
        with self._lock:
            in_flight = len(self._in_flight) - len(self._lost)
            if (
                self._hopeless
                or not self._todo
                or in_flight >= self._options.in_flight
                or not self._budget.affords(in_flight)
            ):
                return None
            task = self._todo.popleft()
            self._in_flight[task.index] = task
            self._tried[task.index] += 1
            return task

    def _collect_answer(self, answer: str | BaseException) -> Iterator[Receipt | ShardFailure]:
        if isinstance(answer, BaseException):
            self._lost.append(redact_secrets(f"{type(answer).__name__}: {answer}").strip(": "))
        else:
            outcome = Outcome.model_validate_json(answer)
            self.call = outcome.call or self.call
            if outcome.receipt is not None:
                self._any_done = True
                self._budget.add_duration(outcome.receipt.seconds)
                with self._lock:
                    self._failed_starts.clear()
                    del self._in_flight[outcome.index]
                yield outcome.receipt
            else:
                if outcome.unusable:
                    self._failed_starts[outcome.unusable] = outcome.error
                yield from self._handle_failure(outcome)
        yield from self._fail_unanswered()
        self._count()

    def _fail_unanswered(self) -> Iterator[ShardFailure]:
        """Name the shards whose answers were Modal's own errors: those that are in flight when no other is."""
        with self._lock:
            if not self._lost or len(self._lost) < len(self._in_flight):
                return
            found, self._lost = list(zip(self._in_flight, self._lost, strict=False)), []
        for index, error in found:
            with self._lock:
                del self._in_flight[index]
            tried = self._tried[index] - 1 + self._options.attempts  # Modal has tried again by itself
            yield ShardFailure(index=index, error=error, attempts=tried)

    def _handle_failure(self, outcome: Outcome) -> Iterator[ShardFailure]:
        index, error, tried = outcome.index, outcome.error, self._tried[outcome.index]
        # an engine that refuses everything may be one container's, if another container has done a shard
        final = outcome.final and not (outcome.engine and self._any_done)
        again = not final and tried < self._options.attempts
        if again:
            self._report(ShardRetried(index, self._shorten_error(outcome)))
        with self._lock:
            task = self._in_flight.pop(index)
            if again:
                self._todo.append(task)
        if not again:
            yield ShardFailure(index=index, error=error, attempts=tried, engine=outcome.engine)

    def _shorten_error(self, outcome: Outcome) -> str:
        """Return an error as it is reported: of containers that fail to start alike, the log of the first is enough."""
        head = outcome.error.partition("\n")[0]
        if not outcome.unusable or head not in self._reported_starts:
            self._reported_starts.add(head)
            return outcome.error
        return f"{head} (as before)"

    def _fail_rest(self) -> Iterator[ShardFailure]:
        why = self._budget.refusal
        if self._hopeless:
            *_, last = self._failed_starts.values()
            why = f"not begun: {len(self._failed_starts)} containers failed to start. The last one: {last}"
        for task in self._todo:
            yield ShardFailure(index=task.index, error=why, attempts=self._tried[task.index])

    def _count(self) -> None:
        each = self._options.concurrency
        in_flight = len(self._in_flight) - len(self._lost)
        self._budget.busy(min(self._options.max_containers, -(-in_flight // each)))
        self._report(Spent(self._budget.cost, self._budget.containers))
