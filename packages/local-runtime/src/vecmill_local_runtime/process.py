"""Process: one worker process, as the driver sees it."""

from __future__ import annotations

import collections
import contextlib
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from vecmill.redaction import redacted
from vecmill.threads import start_thread
from vecmill_local_runtime import messages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vecmill.records import ShardTask

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
                messages.send_task(self._child.stdin, task)

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
                messages.send(self._child.stdin, "stop", "null")

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
            for kind, body in messages.receive(self._child.stdout):
                self._inbox(self, kind, body)
        self._logger.join(timeout=1)  # so that its last lines come before its end
        self._inbox(self, "gone", None)

    def _fail(self, error: BaseException) -> None:
        """Have whoever waits for the child know that it is no longer listened to."""
        self._inbox(self, "broken", error)

    def _log(self) -> None:
        for line in self._child.stderr or ():
            said = redacted(line.decode(errors="backslashreplace").rstrip())
            self._errors.append(said)
            self._inbox(self, "said", said)
