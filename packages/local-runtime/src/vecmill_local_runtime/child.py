"""Child: the worker process, which ends with its driver.

A plain child with pipes rather than ``multiprocessing``: a user's script needs no ``__main__`` guard, and when
the driver is killed the pipe closes, so no orphan goes on working.
"""

from __future__ import annotations

import contextlib
import io
import os
import queue
import signal
import sys
import threading
import time
from typing import IO, TYPE_CHECKING

from vecmill.concurrency import start_thread
from vecmill.errors import ConfigError, ModelError, PluginError, SourceError, StoreError, UnfitEngineError, VecmillError
from vecmill.worker import Worker
from vecmill_local_runtime.process import receive, send_error, send_progress, send_receipt

if TYPE_CHECKING:
    from vecmill.records import Progress, ShardTask


PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it ends, where there is a kernel that does so.

    The closed pipe says the same, but a thread must read it: a process that is stopped, or stuck in a library that
    holds the interpreter's lock, would stay.
    """
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):  # a libc without it: the pipe must do
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


REPORT_SECONDS = 0.2
FINAL = (ConfigError, ModelError, PluginError, SourceError, StoreError, UnfitEngineError)
"""Errors that another attempt would meet again."""


class Reporter:
    """Passes progress on, but not more often than anyone can see."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._last = 0.0

    def __call__(self, progress: Progress) -> None:
        """Send progress, unless some was sent just now."""
        now = time.monotonic()
        with self._lock:
            if now - self._last >= REPORT_SECONDS:
                self._last = now
                send_progress(self._stream, progress)


def main() -> None:
    """Do tasks until the driver closes the pipe."""
    die_with_parent()
    stream = _claim_stdout()
    tasks = _tasks()
    with Worker() as worker:
        while (task := tasks.get()) is not None:
            _do(worker, task, stream)


def _do(worker: Worker, task: ShardTask, stream: IO[bytes]) -> None:
    try:
        receipt = worker.do(task, Reporter(stream))
    except VecmillError as error:
        send_error(stream, str(error), final=isinstance(error, FINAL), engine=isinstance(error, UnfitEngineError))
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything, and the driver must hear of it
        send_error(stream, f"{type(error).__name__}: {error}", final=False)
    else:
        send_receipt(stream, receipt)


def _tasks() -> queue.SimpleQueue[ShardTask | None]:
    """Read tasks in a thread of its own, which ends the process the moment the driver is gone."""
    tasks: queue.SimpleQueue[ShardTask | None] = queue.SimpleQueue()

    def read() -> None:
        for kind, body in receive(sys.stdin.buffer):
            if kind == "stop":
                tasks.put(None)
                return
            tasks.put(body)
        os._exit(1)

    start_thread("tasks", read)
    return tasks


def _claim_stdout() -> IO[bytes]:
    """Keep standard output for messages; what a library prints goes to standard error, which is read as UTF-8."""
    stream = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    for printed in (sys.stdout, sys.stderr):
        if isinstance(printed, io.TextIOWrapper):
            printed.reconfigure(encoding="utf-8", errors="backslashreplace")
    return stream


if __name__ == "__main__":
    main()
