"""Progress: a bar on a terminal, plain lines now and then in a pipe."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vecmill.cli.tally import Tally
    from vecmill.records import RunEvent

    Display = Callable[[Tally], contextlib.AbstractContextManager[Callable[[RunEvent], None]]]
    """Shows a tally while its block runs, and is told of events that a tally does not keep."""


@contextlib.contextmanager
def progress(tally: Tally, *, quiet: bool) -> Iterator[Callable[[RunEvent], None]]:
    """Count the events of a run, and show how it stands while the block runs."""
    with display(quiet=quiet)(tally) as show:

        def observe(event: RunEvent) -> None:
            tally.take(event)
            show(event)

        yield observe


def display(*, quiet: bool) -> Display:
    """Choose what suits standard error."""
    if quiet:
        return _nothing
    if draws():
        from vecmill.cli.bar import bar

        return bar
    from vecmill.cli.lines import lines

    return lines


def draws() -> bool:
    """Whether standard error is a terminal that can redraw a line."""
    return sys.stderr.isatty() and os.environ.get("TERM", "") not in {"", "dumb", "unknown"}


@contextlib.contextmanager
def _nothing(tally: Tally) -> Iterator[Callable[[RunEvent], None]]:
    del tally
    yield lambda _: None
