"""Threads: call functions side by side, and let the caller be interrupted anywhere.

An executor of the standard library guards its queue and its futures with locks that are Python objects. A signal
that raises in the thread that submits may leave one of them taken, and its threads then wait for it for ever.
Here both sides meet in queues and locks written in C, which no signal leaves half way.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import queue
import threading
from functools import partial
from typing import TYPE_CHECKING, Generic, NoReturn, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType


T = TypeVar("T")
ItemT = TypeVar("ItemT")


def start_thread(
    name: str, work: Callable[[], None], failed: Callable[[BaseException], None] | None = None
) -> threading.Thread:
    """Start a thread that helps the main one: reads a pipe, gives signs of life, shows progress.

    Nobody waits for what it returns, so an error in it would be seen by nobody, and what depends on it would wait for
    ever.

    Args:
        name: What it is for; an error names it.
        work: What it does.
        failed: Is told of an error, and sees to it that whoever depends on the thread hears of it. By default the
            process ends, with the error.
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

    from vecmill.display import redacted

    told = f"the thread {name!r} failed, and nothing can go on without it: {type(error).__name__}: {error}"
    trace = "".join(traceback.format_exception(error))
    with contextlib.suppress(OSError):  # nobody reads it
        os.write(2, redacted(f"{trace}vecmill: {told}\n").encode(errors="backslashreplace"))
    os._exit(1)


class Answer(Generic[T]):
    """What a call will return. It does not keep what is called: that may well know who holds the answer."""

    def __init__(self) -> None:
        self._outcome: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def make(self, call: Callable[[], T]) -> None:
        """Call a function and keep what it returns, or raises."""
        try:
            self._outcome.put((call(), None))
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is awaited
            self._outcome.put((None, error))

    def wait(self) -> T:
        """Return what the function returned, or raise what it raised. To be called once."""
        value, error = self._outcome.get()
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
        """Have a thread call a function without arguments, in the order of submission."""
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
            del make  # and with it what the call was given, while the thread waits for the next
