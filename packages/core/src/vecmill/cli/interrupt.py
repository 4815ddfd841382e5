"""Interrupt: Ctrl-C and SIGTERM stop the work in order; a second one stops it at once."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED = 130
SHOW_CURSOR = "\x1b[?25h"

_requested: list[int] = []


def install() -> None:
    """Make the first signal a ``KeyboardInterrupt`` in the main thread, and the second one the end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # A shell that starts a job in the background may have it ignore Ctrl-C, and means it.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def requested() -> bool:
    """Whether a signal came. An interrupted import may turn it into another error, so the exception does not tell."""
    return bool(_requested)


def same_command() -> str:
    """Return the command line of this process, for a shell."""
    name = Path(sys.argv[0]).name
    program = ["python", "-m", "vecmill"] if name == "__main__.py" else [name]
    return shlex.join([*program, *sys.argv[1:]])


def _stop(number: int, frame: FrameType | None) -> None:
    del frame
    _requested.append(number)
    for again in (signal.SIGINT, signal.SIGTERM):
        signal.signal(again, _stop_now)
    _say("\nvecmill: stopping (once more to stop at once)\n")
    raise KeyboardInterrupt


def _stop_now(number: int, frame: FrameType | None) -> None:
    del number, frame
    # Workers see their pipe close and end themselves; what they were writing is cleared by the next run.
    _say(f"{SHOW_CURSOR if os.isatty(2) else ''}\nvecmill: stopped at once\n")
    os._exit(INTERRUPTED)


def _say(text: str) -> None:
    # The interrupted code may be in the middle of a print, so the buffered streams are out of bounds here.
    with contextlib.suppress(OSError):
        os.write(2, text.encode())
