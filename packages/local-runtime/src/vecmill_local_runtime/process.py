"""Process: a worker process as its driver sees it, and the messages between them.

They are bytes, UTF-8 on both sides: what a text stream makes of them depends on the locale of whoever opens it.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import time
from typing import IO, TYPE_CHECKING, Any

from vecmill.concurrency import start_thread
from vecmill.display import redact_secrets
from vecmill.records import Progress, Receipt, ShardTask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def send(stream: IO[bytes], kind: str, body: str) -> None:
    """Write one message; ``body`` is JSON."""
    stream.write(f'{{"kind":"{kind}","body":{body}}}\n'.encode())
    stream.flush()


def receive(stream: IO[bytes]) -> Iterator[tuple[str, Any]]:
    """Yield each message's kind and its record, until the other side is gone."""
    for line in stream:
        if not line.endswith(b"\n"):
            return  # the other side was killed in the middle of it
        message = json.loads(line)
        yield message["kind"], _read(message["kind"], message["body"])


def send_task(stream: IO[bytes], task: ShardTask) -> None:
    """Ask a worker for a shard."""
    send(stream, "task", task.model_dump_json())


def send_progress(stream: IO[bytes], progress: Progress) -> None:
    """Say how far a shard is."""
    send(stream, "progress", json.dumps(dataclasses.asdict(progress)))


def send_receipt(stream: IO[bytes], receipt: Receipt) -> None:
    """Say that a shard is done."""
    send(stream, "receipt", receipt.model_dump_json())


def send_error(stream: IO[bytes], error: str, *, final: bool, engine: bool = False) -> None:
    """Say that a shard failed, and name no secret.

    Args:
        stream: Where to write it.
        error: Why.
        final: Whether another attempt would fail the same way.
        engine: Whether other shards would, too, because the engine refuses whatever it is given.
    """
    send(stream, "error", json.dumps({"error": redact_secrets(error), "final": final, "engine": engine}))


def _read(kind: str, body: Any) -> Any:  # noqa: ANN401 - the kind decides
    readers: dict[str, Callable[[Any], Any]] = {
        "task": ShardTask.model_validate,
        "receipt": Receipt.model_validate,
        "progress": lambda body: Progress(**body),
    }
    return readers.get(kind, lambda body: body)(body)


LAST_LINES = 20


class Process:
    """A child that does one task at a time.

    Args:
        number: The worker's number.
        cores: The processors it may use.
        inbox: Called, from a thread of its own, with this process, a message's kind, and its body; the kind
            ``said`` is a line that the child wrote to standard error, ``broken`` an error in reading what it sends, and
            ``gone`` its last message.
    """

    def __init__(self, number: int, cores: Sequence[int], inbox: Callable[[Process, str, Any], None]) -> None:
        self.number = number
        self.cores = cores
        self._inbox = inbox
        self._errors: collections.deque[str] = collections.deque(maxlen=LAST_LINES)
        self._child = subprocess.Popen(
            # -P, so that a numpy.py beside the corpus is no numpy
            [sys.executable, "-P", "-m", "vecmill_local_runtime.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # the terminal's Ctrl-C is for the driver, which stops its children in order
        )
        if hasattr(os, "sched_setaffinity"):
            with contextlib.suppress(OSError):  # forbidden here, or it has ended: both show, and neither is fatal
                os.sched_setaffinity(self._child.pid, cores)
        self._logger = start_thread(f"worker-{number}-stderr", self._log, self._fail)
        self._listener = start_thread(f"worker-{number}", self._listen, self._fail)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    def give(self, task: ShardTask) -> None:
        """Send a task. A dead child is noticed by the listener."""
        if self._child.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                send_task(self._child.stdin, task)

    @property
    def last_words(self) -> str:
        """How the child ended, and the last lines it wrote to standard error."""
        self._logger.join(timeout=1)
        code = self._child.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        return "\n    ".join([f"the worker process {how}", *self._errors])

    def finish(self) -> None:
        """Ask an idle child to end by itself."""
        if self._child.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it died just now, which is what was asked
                send(self._child.stdin, "stop", "null")

    def terminate(self) -> None:
        """Tell a busy child to end. Its unfinished file is cleared by the next run."""
        self._child.terminate()

    def wait(self, deadline: float) -> None:
        """Wait until the child has ended; kill it at the deadline, a time of ``time.monotonic``."""
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

    def _listen(self) -> None:
        if self._child.stdout is not None:
            for kind, body in receive(self._child.stdout):
                self._inbox(self, kind, body)
        self._logger.join(timeout=1)  # so that its last lines come before its end
        self._inbox(self, "gone", None)

    def _fail(self, error: BaseException) -> None:
        """Have whoever waits for the child know that it is no longer listened to."""
        self._inbox(self, "broken", error)

    def _log(self) -> None:
        for line in self._child.stderr or ():
            said = redact_secrets(line.decode(errors="backslashreplace").rstrip())
            self._errors.append(said)
            self._inbox(self, "said", said)
