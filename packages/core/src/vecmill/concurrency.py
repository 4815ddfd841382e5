"""Concurrency: functions called side by side, waits that an interrupt ends, and the places where it is raised.

An interrupt is a flag. ``request_interrupt`` sets it and wakes whoever waits in ``get_item`` or ``sleep``; loops call
``check_interrupt`` where they can stop. So ``KeyboardInterrupt`` is raised where it does no harm: between any two
instructions it may come after a lock was taken and before the block that gives it back, and whoever wants that lock
next waits for ever. A plugin's loops may ask the flag, too; where nothing asks, the command line raises in two seconds.

Outside the command line nobody sets the flag, and Python raises an interrupt where it likes. So both sides of
``Threads`` meet in queues and locks written in C, which no signal leaves half way. An executor of the standard
library guards its queue and its futures with locks that are Python objects.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import queue
import sys
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType


T = TypeVar("T")
ItemT = TypeVar("ItemT")

_requested = False
_raised: set[int] = set()
"""Threads in which the interrupt was raised: what tidies up there on the way out is not disturbed."""
_waits: set[queue.SimpleQueue[Any]] = set()
_WAKE: Any = object()


def request_interrupt() -> None:
    """Set the flag, and wake whoever waits in ``get_item`` or ``sleep``. Any thread and any signal handler may."""
    global _requested  # noqa: PLW0603 - a process is interrupted as a whole
    _requested = True
    for waiting in list(_waits):
        waiting.put(_WAKE)


def interrupt_requested() -> bool:
    """Whether an interrupt was asked for. What it raised may have become another error, as in an import."""
    return _requested


def check_interrupt() -> None:
    """Stop here if an interrupt was asked for: a safe point, for loops to call in each turn.

    Raises:
        KeyboardInterrupt: It was; and again at the next safe point if something swallowed it, but not while an
            error is dealt with, for that is the way out.
    """
    if not _requested:
        return
    thread, handled = threading.get_ident(), sys.exc_info()[1]
    if handled is None or (thread not in _raised and not isinstance(handled, KeyboardInterrupt)):
        _raised.add(thread)
        raise KeyboardInterrupt


def get_item(items: queue.SimpleQueue[T], timeout: float | None = None) -> T:
    """Wait for the next item of a queue.

    Args:
        items: The queue.
        timeout: Seconds to wait at most; without it, for ever.

    Raises:
        KeyboardInterrupt: An interrupt was asked for before there was an item.
        queue.Empty: There was none in time.
    """
    until = None if timeout is None else time.monotonic() + timeout
    _waits.add(items)
    try:
        while True:
            check_interrupt()
            left = None if until is None else max(0.0, until - time.monotonic())
            if (item := items.get(timeout=left)) is not _WAKE:
                return item
    finally:
        _waits.discard(items)


def sleep(seconds: float) -> None:
    """Wait for so many seconds.

    Raises:
        KeyboardInterrupt: An interrupt was asked for meanwhile.
    """
    with contextlib.suppress(queue.Empty):
        get_item(queue.SimpleQueue[None](), seconds)


def usable_processors() -> list[int]:
    """Return the numbers of the processors that this process may use; a container's limit is kept to."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def start_thread(
    name: str, work: Callable[[], None], failed: Callable[[BaseException], None] | None = None
) -> threading.Thread:
    """Start a thread that helps the main one: it reads a pipe, sends heartbeats, shows progress.

    Nobody waits for its result, so an error in it would go unnoticed, and whatever depends on it would wait for ever.

    Args:
        name: What it is for; an error names it.
        work: What it does.
        failed: Called with an error, to pass it to whoever depends on the thread. By default the process ends with the
            error.
    """

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it must not end here
            (failed or partial(end_process, name))(error)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def end_process(name: str, error: BaseException) -> NoReturn:
    """End the process at once, from whatever thread: the main one may wait for what will never come."""
    import traceback

    from vecmill.sanitize import redact_secrets

    message = f"the thread {name!r} failed, and the process cannot go on without it: {type(error).__name__}: {error}"
    trace = "".join(traceback.format_exception(error))
    with contextlib.suppress(OSError):  # nobody reads it
        os.write(2, redact_secrets(f"{trace}vecmill: {message}\n").encode(errors="backslashreplace"))
    os._exit(1)


class Answer(Generic[T]):
    """What a call will return. It does not hold the called function, which may hold the answer."""

    def __init__(self) -> None:
        self._outcome: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def make(self, call: Callable[[], T]) -> None:
        """Call a function, and store what it returns or raises."""
        try:
            self._outcome.put((call(), None))
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is awaited
            self._outcome.put((None, error))

    def wait(self) -> T:
        """Return what the function returned, or raise what it raised. Call it once."""
        value, error = get_item(self._outcome)
        if error is not None:
            raise error
        return value  # type: ignore[return-value] # without an error it is the function's own


class Threads:
    """Threads to call functions in; leaving the block waits for calls that have begun, and drops the others.

    Args:
        count: At most so many, one for each processor by default; each is started when there is work for it.
    """

    def __init__(self, count: int | None = None) -> None:
        self._count = count or os.cpu_count() or 1
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._busy: list[threading.Lock] = []
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        for _ in self._busy:
            self._calls.put(None)
        for busy in self._busy:
            with busy:  # its call has returned
                pass

    def submit(self, call: Callable[[], T]) -> Answer[T]:
        """Have a thread call a function without arguments, in the order of submission.

        Raises:
            KeyboardInterrupt: An interrupt was asked for.
        """
        check_interrupt()
        answer = Answer[T]()
        self._calls.put(partial(answer.make, call))
        if len(self._busy) < self._count:
            self._start()
        return answer

    def map(self, function: Callable[[ItemT], T], items: Iterable[ItemT]) -> Iterator[T]:
        """Call a function for each item; yield what it returns, in the order of the items."""
        answers = [self.submit(partial(function, item)) for item in items]
        return (answer.wait() for answer in answers)

    def _start(self) -> None:
        busy = threading.Lock()
        self._busy.append(busy)
        _thread.start_new_thread(self._work, (busy,))  # a Thread waits for its own start, with such a lock

    def _work(self, busy: threading.Lock) -> None:
        while (make := self._calls.get()) is not None:
            with busy:
                if not self._closed:
                    make()
            del make  # and the call's arguments with it, while the thread waits for the next
