"""Heard: what is written to standard error by whatever part of this process, passed on line by line."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable


class Heard(io.TextIOBase):
    """A stand-in for ``sys.stderr``: libraries warn and log there, and a log there has room for its own lines alone."""

    def __init__(self, stream: TextIO, tell: Callable[[str], None]) -> None:
        """Pass lines on.

        Args:
            stream: What it stands in for.
            tell: Is given each line that is not blank.
        """
        self._stream = stream
        self._tell = tell
        self._lock = threading.RLock()  # what is told of a line may itself write one
        self._rest = ""

    @property
    def encoding(self) -> str:  # type: ignore[override] # as in the class, where it cannot be set either
        """That of the stream."""
        return self._stream.encoding

    def fileno(self) -> int:
        """Return that of the stream: another process may be given it."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """Say yes."""
        return True

    def write(self, text: str) -> int:
        """Pass on the lines that are whole."""
        with self._lock:
            *lines, self._rest = (self._rest + text).split("\n")
            for line in lines:
                self._pass_on(line)
        return len(text)

    def finish(self) -> None:
        """Pass on a last line without an end."""
        with self._lock:
            rest, self._rest = self._rest, ""
            self._pass_on(rest)

    def _pass_on(self, line: str) -> None:
        if line.strip():
            self._tell(line)
