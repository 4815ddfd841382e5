"""Pool: gives tasks to worker processes, and replaces those that die."""

from __future__ import annotations

import collections
import contextlib
import queue
import time
from typing import TYPE_CHECKING, Any

from vecmill.concurrency import get_item
from vecmill.errors import RunError
from vecmill.records import Receipt, ShardFailure, ShardProgress, ShardRetried, ShardStarted, WorkerSaid
from vecmill_local_runtime.process import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vecmill.records import RunEvent, ShardTask

STOP_SECONDS = 8


class Pool:
    """The worker processes of one ``map``."""

    def __init__(
        self, tasks: Sequence[ShardTask], shares: list[list[int]], attempts: int, report: Callable[[RunEvent], None]
    ) -> None:
        self._todo = collections.deque(tasks)
        self._attempts = attempts
        self._report = report
        self._tried: collections.Counter[int] = collections.Counter()
        self._busy: dict[Process, ShardTask] = {}
        self._inbox: queue.SimpleQueue[tuple[Process, str, Any]] = queue.SimpleQueue()
        self._idle = [self._start(number, cores) for number, cores in enumerate(shares)]

    def outcomes(self) -> Iterator[Receipt | ShardFailure]:
        """Yield an outcome for every task, in the order they come in."""
        while self._todo or self._busy:
            self._assign()
            process, kind, body = get_item(self._inbox)
            if kind == "progress":
                self._report(ShardProgress(body))
            elif kind == "said":
                self._note_line(process, body)
            elif kind == "receipt":
                del self._busy[process]
                self._idle.append(process)
                yield body
            elif kind == "error":
                self._idle.append(process)
                yield from self._fail_task(process, body["error"], final=body["final"], engine=body["engine"])
            elif kind == "broken":
                raise RunError(
                    f"what the worker process {process.pid} sends cannot be read ({type(body).__name__}: {body}): run "
                    "again, for what is done is kept; please report it if it stays so"
                ) from body
            elif kind == "gone":
                yield from self._handle_exit(process)

    def stop(self) -> None:
        """End every worker, busy or not: all are told, and then waited for together."""
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._busy:
            process.terminate()
        for process in self._idle:
            process.finish()
        for process in (*self._busy, *self._idle):
            process.wait(deadline)
        with contextlib.suppress(queue.Empty):  # a worker's last lines may come after its last message
            while True:
                process, kind, body = get_item(self._inbox, 0)
                if kind == "said":
                    self._note_line(process, body)

    def _note_line(self, process: Process, line: str) -> None:
        task = self._busy.get(process)
        self._report(WorkerSaid(process.pid, task.index if task else None, line))

    def _start(self, number: int, cores: Sequence[int]) -> Process:
        return Process(number, cores, lambda process, kind, body: self._inbox.put((process, kind, body)))

    def _assign(self) -> None:
        while self._todo and self._idle:
            process, task = self._idle.pop(), self._todo.popleft()
            self._busy[process] = task
            self._tried[task.index] += 1
            self._report(ShardStarted(task.index, self._tried[task.index], process.pid))
            process.give(task)

    def _fail_task(self, process: Process, error: str, *, final: bool, engine: bool = False) -> Iterator[ShardFailure]:
        task = self._busy.pop(process)
        tried = self._tried[task.index]
        if final or tried >= self._attempts:
            yield ShardFailure(index=task.index, error=error, attempts=tried, engine=engine)
        else:
            self._report(ShardRetried(task.index, error))
            self._todo.append(task)

    def _handle_exit(self, process: Process) -> Iterator[ShardFailure]:
        words = process.last_words
        process.wait(time.monotonic())
        if process in self._idle:
            self._idle.remove(process)
        if process in self._busy:
            yield from self._fail_task(process, words, final=False)
        if self._todo:
            self._idle.append(self._start(process.number, process.cores))
