"""Interrupt: Ctrl-C and SIGTERM stop the work in order; a second one stops it at once.

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

from vecmill.cli import moment

if TYPE_CHECKING:
    from types import FrameType

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
    if moment.fits(frame) and not here:
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
