"""Signals: an interrupt ends every command in order, after half a minute, or at once with a second one.

Between a lock that was taken and the block that gives it back there is an instant, in Python 3.14 in every ``with``.
An interrupt raised in it leaves the lock taken, and whoever wants it waits for ever: a progress display, say, which the
command waits for at its end. One instruction later all is well.

The first signal raises ``KeyboardInterrupt`` in the main thread: once, for what tidies up on the way out is not to be
disturbed; but again if nothing tidies up, for a library may have swallowed it, as some do while they are imported. All
else is done by a thread of its own, for the main one may be deep in a library that lets no signal through.
"""

from __future__ import annotations

import _thread
import atexit
import contextlib
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType


LONGEST_CALL = 14
"""Bytes from a call to the instruction after it, at most; how many there are differs between versions of Python."""
FIRST_STEP = 8
"""Bytes at the beginning of a function in which it has done nothing yet."""


def fits(frame: FrameType | None) -> bool:
    """Whether the code of a frame is neither about to enter a block that will tidy up, nor to leave one."""
    if frame is None:
        return True
    code, at = frame.f_code, frame.f_lasti
    enters = code.co_name == "__enter__" or any(0 < start - at <= LONGEST_CALL for start in _tried(code))
    return not enters and not (code.co_name == "__exit__" and at < FIRST_STEP)


def _tried(code: CodeType) -> set[int]:
    """Return where the blocks of a function begin that tidy up after themselves, in bytes."""
    # As CPython's exceptionhandling.md has it: for each part its start, its length, its handler, and what matters not
    # here. A part that starts with a handler is the tidying up itself.
    numbers = list(_numbers(code.co_exceptiontable))
    return {2 * start for start in set(numbers[::4]) - set(numbers[2::4])}


def _numbers(table: bytes) -> Iterator[int]:
    """Yield the numbers of an exception table; each has six bits in a byte, and a seventh where more follow."""
    number = 0
    for byte in table:
        number = number << 6 | byte & 0x3F
        if not byte & 0x40:
            yield number
            number = 0


INTERRUPTED = 130
PATIENCE_SECONDS = 30.0
"""What has not stopped in order by then, such as an upload in a library's thread, is stopped at once."""
MOMENT_SECONDS = 0.001
"""Until an interrupt that came at an unfit moment is raised."""
HEARD_SECONDS = 0.05
"""Until one that was raised must be on its way out."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)
SHOW_CURSOR = "\x1b[?25h"

_requested: list[int] = []
_ended: list[int] = []
_unsaid = ["\nvecmill: stopping (once more to stop at once)\n"]


def install() -> None:
    """Make the first signal a ``KeyboardInterrupt`` in the main thread, and the second one the end."""
    signals, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    _thread.start_new_thread(_watch, (signals, _thread.get_ident()))
    signal.signal(signal.SIGALRM, _insist)
    for number in SIGNALS:
        # A shell that starts a job in the background may have it ignore Ctrl-C, and means it.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    sys.unraisablehook = _unraisable
    atexit.register(_ignore)  # the first to be registered is the last to be called


def requested() -> bool:
    """Whether a signal came. An interrupted import may turn it into another error, so the exception does not tell."""
    return bool(_requested)


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


def same_command() -> str:
    """Return the command line of this process, for a shell."""
    import shlex
    from pathlib import Path

    name = Path(sys.argv[0]).name
    program = ["python", "-m", "vecmill"] if name == "__main__.py" else [name]
    return shlex.join([*program, *sys.argv[1:]])


def _stop(number: int, frame: FrameType | None) -> None:
    if not _requested and not _ended:
        _requested.append(number)
        _announce()
        _interrupt(frame)


def _interrupt(frame: FrameType | None) -> None:
    here = frame is not None and frame.f_globals is globals()  # the way back from the last try
    if fits(frame) and not here:
        _look_again(HEARD_SECONDS)
        raise KeyboardInterrupt
    _look_again(MOMENT_SECONDS)


def _look_again(seconds: float) -> None:
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _insist(number: int, frame: FrameType | None) -> None:
    del number
    if not _requested:
        return  # only woken, for the signal itself to be heard
    if sys.exc_info()[1] is not None:  # something is on its way out, or tidies up
        _look_again(HEARD_SECONDS)
    elif not _ended:
        _interrupt(frame)


def _watch(signals: int, main: int) -> None:
    """Read the number of each signal as it comes."""
    came = 0
    while number := os.read(signals, 1):
        if number[0] not in SIGNALS:
            continue
        if _ended:
            os._exit(_ended[0])
        came += 1
        if came > 1:
            _leave("\nvecmill: stopped at once\n", INTERRUPTED)
        _announce()
        _thread.start_new_thread(_lose_patience, (main,))


def _lose_patience(main: int) -> None:
    until, pause = time.monotonic() + PATIENCE_SECONDS, HEARD_SECONDS
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        pause *= 2
        if not _requested:
            # A signal that came just before the main thread began to wait for something does not end that wait.
            signal.pthread_kill(main, signal.SIGALRM)
    _leave(f"\nvecmill: not stopped after {PATIENCE_SECONDS:.0f} s, so stopped at once\n", INTERRUPTED)


def _leave(text: str, code: int) -> NoReturn:
    # Workers see their pipe close and end themselves; what they were writing is cleared by the next run.
    _say(f"{SHOW_CURSOR if os.isatty(2) else ''}{text}")
    os._exit(code)


def _unraisable(lost: sys.UnraisableHookArgs) -> None:
    """Say nothing of an interrupt that came where none can be raised, such as in a finalizer: it comes again."""
    if lost.exc_type is not KeyboardInterrupt or not _requested:
        sys.__unraisablehook__(lost)


def _ignore() -> None:
    # On its last way out Python gives signals back to the system, and one would end the process with a code of its own.
    for number in (*SIGNALS, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)


def _announce() -> None:
    with contextlib.suppress(IndexError):  # it was said
        _say(_unsaid.pop())


def _say(text: str) -> None:
    # The interrupted code may be in the middle of a print, so the buffered streams are out of bounds here.
    with contextlib.suppress(OSError):
        os.write(2, text.encode())


@contextlib.contextmanager
def resumable(state: Callable[[], str]) -> Iterator[None]:
    """Do something that the same command goes on with.

    Args:
        state: Says how it stands, and what it would be to run the command again: "…. To go on,".
    """
    try:
        yield
    except BaseException:
        if requested():
            again = f"run the same command again:\n    {same_command()}"
            click.echo(f"vecmill: {state()} {again}", err=True)
        raise
