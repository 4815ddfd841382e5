"""Signals: an interrupt ends every command in order, after half a minute at the latest, or at once with a second one.

A thread reads the signals, because the main one may be deep in a library. The first signal sets the flag of
``vecmill.concurrency``: loops ask it at their safe points, waits end, and ``KeyboardInterrupt`` is raised there. Code
that asks nothing, a library's or a plugin's, has two seconds to reach a safe point; then the interrupt is raised
wherever the main thread is, and again for as long as something swallows it. After half a minute the process ends.
"""

from __future__ import annotations

import _thread
import atexit
import contextlib
import os
import select
import signal
import sys
import time
from typing import TYPE_CHECKING, NoReturn

import click

from vecmill.concurrency import check_interrupt, interrupt_requested, request_interrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType


INTERRUPTED = 130
LIMIT_SECONDS = 30.0
"""What has not stopped in order by then, such as an upload in a library's thread, is stopped at once."""
SAFE_POINT_SECONDS = 2.0
"""Until the interrupt is raised in code that does not ask for it."""
AGAIN_SECONDS = 0.1
"""Between two attempts to raise it there."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)
RAISE = signal.SIGURG
"""What the thread that reads signals sends to the main one: no terminal sends it, and by default it does nothing."""
SHOW_CURSOR = "\x1b[?25h"

_ended: list[int] = []
_announcements = ["\nvecmill: stopping (once more to stop at once)\n"]
_prompts: list[None] = []


def install() -> None:
    """Make the first signal an interrupt of the main thread, and the second one the end."""
    signals, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    _thread.start_new_thread(_watch, (signals, _thread.get_ident()))
    signal.signal(RAISE, _raise)
    for number in SIGNALS:
        # A shell that starts a job in the background may have it ignore Ctrl-C, and means it.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _request)
    sys.unraisablehook = _report_unraisable
    atexit.register(_ignore_signals)  # the first to be registered is the last to be called


@contextlib.contextmanager
def prompt() -> Iterator[None]:
    """Raise an interrupt at once while the block waits for a person's answer."""
    _prompts.append(None)
    try:
        check_interrupt()
        yield
    finally:
        _prompts.pop()


def end(code: int) -> NoReturn:
    """End the process with a command's exit code, which no signal changes any more."""
    _ended.append(code)
    if code == INTERRUPTED:
        # Python would wait here for threads of libraries, and an upload may take a while.
        atexit._run_exitfuncs()  # noqa: SLF001 - there is no other way to them that leaves the threads be
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # nobody reads it, or the interrupt came in the middle of a print
                stream.flush()
        _leave("", code)
    sys.exit(code)


def format_command() -> str:
    """Return the command line of this process, for a shell."""
    import shlex
    from pathlib import Path

    name = Path(sys.argv[0]).name
    program = ["python", "-m", "vecmill"] if name == "__main__.py" else [name]
    return shlex.join([*program, *sys.argv[1:]])


@contextlib.contextmanager
def resumable(describe_state: Callable[[], str]) -> Iterator[None]:
    """Do something that the same command continues.

    Args:
        describe_state: Returns what an interrupted command says: how it stands, and what it is to run it again.
    """
    try:
        yield
    except BaseException:
        if interrupt_requested():
            again = f"run the same command again:\n    {format_command()}"
            click.echo(f"vecmill: {describe_state()} {again}", err=True)
        raise


def _request(number: int, frame: FrameType | None) -> None:
    """Set the flag from the main thread, too: what it does next may ask before the other thread has its turn."""
    del number, frame
    if not _ended:
        _interrupt()
        if _prompts:
            check_interrupt()


def _raise(number: int, frame: FrameType | None) -> None:
    del number, frame
    if not _ended:
        check_interrupt()


def _watch(signals: int, main: int) -> None:
    """Read the number of each signal as it comes, and see to it that the process ends after the first."""
    _wait_for_signal(signals, None)
    _interrupt()
    began = time.monotonic()
    wait = SAFE_POINT_SECONDS
    while (left := began + LIMIT_SECONDS - time.monotonic()) > 0:
        if _wait_for_signal(signals, min(wait, left)):
            _interrupt()
            _leave("\nvecmill: stopped at once\n", INTERRUPTED)
        signal.pthread_kill(main, RAISE)  # it ends a wait, too, that had not begun when the first signal came
        wait = AGAIN_SECONDS
    code = _ended[0] if _ended else INTERRUPTED
    _leave(f"\nvecmill: not stopped after {LIMIT_SECONDS:.0f} s, so stopped at once\n", code)


def _wait_for_signal(signals: int, seconds: float | None) -> bool:
    """Return whether one of the signals came in time; a command that is done ends with its own code."""
    until = None if seconds is None else time.monotonic() + seconds
    while True:
        left = None if until is None else max(0.0, until - time.monotonic())
        if not select.select([signals], [], [], left)[0]:
            return False
        if os.read(signals, 1)[0] in SIGNALS:
            if _ended:
                os._exit(_ended[0])
            return True


def _interrupt() -> None:
    request_interrupt()
    with contextlib.suppress(IndexError):  # it was said
        _write(_announcements.pop())


def _leave(text: str, code: int) -> NoReturn:
    # Workers see their pipe close and end themselves; what they were writing is cleared by the next run.
    _write(f"{SHOW_CURSOR if os.isatty(2) else ''}{text}")
    os._exit(code)


def _report_unraisable(lost: sys.UnraisableHookArgs) -> None:
    """Report nothing of an interrupt that came where none can be raised, such as in a finalizer: it comes again."""
    if lost.exc_type is not KeyboardInterrupt or not interrupt_requested():
        sys.__unraisablehook__(lost)


def _ignore_signals() -> None:
    # On its last way out Python gives signals back to the system, and one would end the process with a code of its own.
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _write(text: str) -> None:
    # The interrupted code may be in the middle of a print, so the buffered streams are out of bounds here.
    with contextlib.suppress(OSError):
        os.write(2, text.encode())
