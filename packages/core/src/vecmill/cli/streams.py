"""Streams: standard input, output and error, whatever of them the command was started with."""

from __future__ import annotations

import os
import sys

STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
"""By the number of their file."""


def open_closed() -> None:
    """Open what is closed to nowhere: the next file that is opened would have its number, and get its messages."""
    for number, (name, mode) in enumerate(STREAMS):
        try:
            os.fstat(number)
        except OSError:
            # It gets the lowest number that is free, and all below this one are not.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003 - a system call's own argument
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", errors="replace", closefd=False))
    # No terminal and no locale of every machine has all of Unicode, and no path need be Unicode at all.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
