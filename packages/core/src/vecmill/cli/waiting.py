"""Waiting: a sign of life on a terminal, for work that reports no progress."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from vecmill.cli.progress import draws

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def waiting(what: str) -> Iterator[None]:
    """Turn a spinner on standard error while the block runs, if that is a terminal."""
    if not draws():
        yield
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(what)):
        yield
