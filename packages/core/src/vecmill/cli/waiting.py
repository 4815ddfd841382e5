"""Waiting: a sign of life on a terminal, for work that reports no progress."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from vecmill.cli.progress import draws

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.status import Status


class Waiting:
    """A spinner, or none."""

    def __init__(self, status: Status | None = None) -> None:
        self._status = status

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the terminal to the block."""
        if self._status is None:
            yield
            return
        self._status.stop()
        try:
            yield
        finally:
            self._status.start()


@contextlib.contextmanager
def waiting(what: str) -> Iterator[Waiting]:
    """Turn a spinner on standard error while the block runs, if that is a terminal."""
    if not draws():
        yield Waiting()
        return
    from rich.console import Console
    from rich.text import Text

    from vecmill.cli.text import printable

    with Console(stderr=True).status(Text(printable(what))) as status:
        yield Waiting(status)
