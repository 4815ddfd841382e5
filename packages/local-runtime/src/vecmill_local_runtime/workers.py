"""The worker processes: the pool that gives them tasks, the driver's handle of each, and the loop of the process.

A worker process is a plain child with pipes and not ``multiprocessing``: a user's script needs no ``__main__`` guard,
and a killed driver closes the pipe, so no worker outlives it. A message is a line of JSON, in UTF-8 on both sides,
whatever the locale of the process is.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools
import io
import json
import os
import queue
import signal
import subprocess
import sys
import time
from typing import IO, TYPE_CHECKING, Any

from vecmill.concurrency import get_item, start_thread
from vecmill.errors import RunError
from vecmill.records import (
    Progress,
    Receipt,
    ShardFailure,
    ShardProgress,
    ShardRetried,
    ShardStarted,
    ShardTask,
    WorkerLogged,
)
from vecmill.sanitize import redact_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vecmill import Worker
    from vecmill.records import RunEvent

STOP_SECONDS = 8
LAST_LINES = 20
PR_SET_PDEATHSIG = 1


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
        self._report(WorkerLogged(process.pid, task.index if task else None, line))

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


class WorkerProcess:
    """The driver's handle of a worker process, which does one task at a time.

    Args:
        number: The worker's number.
        processors: The processors it may use.
        inbox: Called, from other threads, with this process, a message's kind, and its body. The kind
            ``line`` is a line that the process wrote to standard error, ``unreadable`` an error in reading what it
            sends, and ``exit`` its last message.
    """

    def __init__(
        self, number: int, processors: Sequence[int], inbox: Callable[[WorkerProcess, str, Any], None]
    ) -> None:
        self.number = number
        self.processors = processors
        self._inbox = inbox
        self._last_lines: collections.deque[str] = collections.deque(maxlen=LAST_LINES)
        self._child = subprocess.Popen(
            # -P, so that a numpy.py in the corpus's folder is not taken for numpy
            [sys.executable, "-P", "-m", "vecmill_local_runtime.workers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # the terminal's Ctrl-C is for the driver, which stops its workers in order
        )
        if hasattr(os, "sched_setaffinity"):
            with contextlib.suppress(OSError):  # forbidden here, or it has ended: both show, and neither is fatal
                os.sched_setaffinity(self._child.pid, processors)
        self._logger = start_thread(f"worker-{number}-stderr", self._read_lines, self._fail)
        self._listener = start_thread(f"worker-{number}", self._read_messages, self._fail)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    def send(self, task: ShardTask) -> None:
        """Send a task. The listener notices a dead process."""
        if self._child.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                send_task(self._child.stdin, task)

    def describe_exit(self) -> str:
        """Return how the process ended, and the last lines that it wrote to standard error."""
        self._logger.join(timeout=1)
        code = self._child.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        return "\n    ".join([f"the worker process {how}", *self._last_lines])

    def finish(self) -> None:
        """Ask an idle process to end by itself."""
        if self._child.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it has ended already
                send_message(self._child.stdin, "stop", "null")

    def terminate(self) -> None:
        """End a busy process. The next run clears its unfinished file."""
        self._child.terminate()

    def wait(self, deadline: float) -> None:
        """Wait until the process has ended; kill it at the deadline, a time of ``time.monotonic``."""
        try:
            self._child.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._listener.join(timeout=1)
        for stream in (self._child.stdin, self._child.stdout, self._child.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):  # a task that it never read
                    stream.close()

    def _read_messages(self) -> None:
        if self._child.stdout is not None:
            for kind, body in read_messages(self._child.stdout):
                self._inbox(self, kind, body)
        self._logger.join(timeout=1)  # so that its last lines come before its end
        self._inbox(self, "exit", None)

    def _read_lines(self) -> None:
        for line in self._child.stderr or ():
            text = redact_secrets(line.decode(errors="backslashreplace").rstrip())
            self._last_lines.append(text)
            self._inbox(self, "line", text)

    def _fail(self, error: BaseException) -> None:
        """Report that a thread no longer reads what the process sends."""
        self._inbox(self, "unreadable", error)


def send_message(stream: IO[bytes], kind: str, body: str) -> None:
    """Write one message; ``body`` is JSON."""
    stream.write(f'{{"kind":"{kind}","body":{body}}}\n'.encode())
    stream.flush()


def send_task(stream: IO[bytes], task: ShardTask) -> None:
    """Send a worker process the task of a shard."""
    send_message(stream, "task", task.model_dump_json())


def send_progress(stream: IO[bytes], progress: Progress) -> None:
    """Send the driver the progress of a shard."""
    send_message(stream, "progress", json.dumps(dataclasses.asdict(progress)))


def send_error(stream: IO[bytes], error: str, *, final: bool, engine: bool = False) -> None:
    """Send the driver the error of a shard, with secrets redacted.

    Args:
        stream: Where to write it.
        error: The error's message.
        final: Whether another attempt would fail the same way.
        engine: Whether other shards would fail, too, because the engine refuses whatever it is given.
    """
    send_message(stream, "error", json.dumps({"error": redact_secrets(error), "final": final, "engine": engine}))


def read_messages(stream: IO[bytes]) -> Iterator[tuple[str, Any]]:
    """Yield each message's kind and its record, until the other side has ended."""
    for line in stream:
        if not line.endswith(b"\n"):
            return  # the other side was killed while it wrote
        message = json.loads(line)
        yield message["kind"], _read_body(message["kind"], message["body"])


def _read_body(kind: str, body: Any) -> Any:  # noqa: ANN401 - the kind decides
    readers: dict[str, Callable[[Any], Any]] = {
        "task": ShardTask.model_validate,
        "receipt": Receipt.model_validate,
        "progress": lambda body: Progress(**body),
    }
    return readers.get(kind, lambda body: body)(body)


def main() -> None:
    """Do tasks until the driver closes the pipe."""
    from vecmill import Worker

    _die_with_parent()
    stream = _take_stdout()
    tasks = _read_tasks()
    with Worker() as worker:
        while (task := tasks.get()) is not None:
            _do_task(worker, task, stream)


def _do_task(worker: Worker, task: ShardTask, stream: IO[bytes]) -> None:
    from vecmill.runtimes import ProgressThrottle, describe_failure, is_final

    try:
        receipt = worker.do(task, ProgressThrottle(functools.partial(send_progress, stream)))
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything, and the driver must know of it
        failure = describe_failure(task, error)
        send_error(stream, failure.error, final=is_final(error), engine=failure.engine)
    else:
        send_message(stream, "receipt", receipt.model_dump_json())


def _read_tasks() -> queue.SimpleQueue[ShardTask | None]:
    """Read tasks in another thread, which ends the process as soon as the driver has ended."""
    tasks: queue.SimpleQueue[ShardTask | None] = queue.SimpleQueue()

    def read() -> None:
        for kind, body in read_messages(sys.stdin.buffer):
            if kind == "stop":
                tasks.put(None)
                return
            tasks.put(body)
        os._exit(1)

    start_thread("tasks", read)
    return tasks


def _take_stdout() -> IO[bytes]:
    """Reserve standard output for messages; what a library prints goes to standard error, which is read as UTF-8."""
    stream = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    for printed in (sys.stdout, sys.stderr):
        if isinstance(printed, io.TextIOWrapper):
            printed.reconfigure(encoding="utf-8", errors="backslashreplace")
    return stream


def _die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it ends, where there is a kernel that does so.

    The closed pipe says the same, but a thread must read it: a process that is stopped, or stuck in a library that
    holds the interpreter's lock, would stay.
    """
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):  # a libc without it: the pipe must do
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
