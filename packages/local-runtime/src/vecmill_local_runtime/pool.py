"""The pool of worker processes: it gives them tasks, and replaces those that die."""

from __future__ import annotations

import collections
import contextlib
import queue
import time
from typing import TYPE_CHECKING, Any

from vecmill.concurrency import get_item
from vecmill.errors import RunError
from vecmill.records import Receipt, ShardFailure, ShardProgress, ShardRetried, ShardStarted, WorkerSaid
from vecmill_local_runtime.process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vecmill.records import RunEvent, ShardTask

STOP_SECONDS = 8


class Pool:
    """The worker processes of one ``map``.

    Args:
        tasks: What is to be done.
        shares: The processors of each worker process: one process is started for each share.
        attempts: How often a task is tried before it counts as failed.
        report: Called with each event.
    """

    def __init__(
        self, tasks: Sequence[ShardTask], shares: list[list[int]], attempts: int, report: Callable[[RunEvent], None]
    ) -> None:
        self._todo = collections.deque(tasks)
        self._attempts = attempts
        self._report = report
        self._tries: collections.Counter[int] = collections.Counter()
        self._busy: dict[WorkerProcess, ShardTask] = {}
        self._inbox: queue.SimpleQueue[tuple[WorkerProcess, str, Any]] = queue.SimpleQueue()
        self._idle = [self._start(number, processors) for number, processors in enumerate(shares)]

    def run_tasks(self) -> Iterator[Receipt | ShardFailure]:
        """Yield an outcome for every task, in the order in which they arrive.

        Raises:
            RunError: A worker process sends what cannot be read.
        """
        while self._todo or self._busy:
            self._assign()
            process, kind, body = get_item(self._inbox)
            if kind == "progress":
                self._report(ShardProgress(body))
            elif kind == "line":
                self._report_line(process, body)
            elif kind == "receipt":
                del self._busy[process]
                self._idle.append(process)
                yield body
            elif kind == "error":
                self._idle.append(process)
                yield from self._fail_task(process, body["error"], final=body["final"], engine=body["engine"])
            elif kind == "unreadable":
                raise RunError(
                    f"what the worker process {process.pid} sends cannot be read ({type(body).__name__}: {body}): run "
                    "again, finished shards are not done again; please report it if it happens again"
                ) from body
            elif kind == "exit":
                yield from self._handle_exit(process)

    def stop(self) -> None:
        """End every worker process, busy or idle: ask all of them first, then wait for them together."""
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
                if kind == "line":
                    self._report_line(process, body)

    def _report_line(self, process: WorkerProcess, line: str) -> None:
        task = self._busy.get(process)
        self._report(WorkerSaid(process.pid, task.index if task else None, line))

    def _start(self, number: int, processors: Sequence[int]) -> WorkerProcess:
        return WorkerProcess(number, processors, lambda process, kind, body: self._inbox.put((process, kind, body)))

    def _assign(self) -> None:
        while self._todo and self._idle:
            process, task = self._idle.pop(), self._todo.popleft()
            self._busy[process] = task
            self._tries[task.index] += 1
            self._report(ShardStarted(task.index, self._tries[task.index], process.pid))
            process.send(task)

    def _fail_task(
        self, process: WorkerProcess, error: str, *, final: bool, engine: bool = False
    ) -> Iterator[ShardFailure]:
        """Queue a task again, or yield its failure if another attempt cannot help or none is left."""
        task = self._busy.pop(process)
        tries = self._tries[task.index]
        if final or tries >= self._attempts:
            yield ShardFailure(index=task.index, error=error, attempts=tries, engine=engine)
        else:
            self._report(ShardRetried(task.index, error))
            self._todo.append(task)

    def _handle_exit(self, process: WorkerProcess) -> Iterator[ShardFailure]:
        """Fail the task of a process that has ended, and start another process if tasks are left."""
        error = process.describe_exit()
        process.wait(time.monotonic())
        if process in self._idle:
            self._idle.remove(process)
        if process in self._busy:
            yield from self._fail_task(process, error, final=False)
        if self._todo:
            self._idle.append(self._start(process.number, process.processors))
