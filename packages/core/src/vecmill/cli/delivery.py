"""Delivery: progress over the bytes of a dataset that is being published."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import click

from vecmill.cli.progress import draws
from vecmill.cli.sentences import delivered
from vecmill.records import Publishing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vecmill.records import RunEvent

INTERVAL_SECONDS = 10.0


def delivery(*, quiet: bool) -> contextlib.AbstractContextManager[Callable[[RunEvent], None]]:
    """Show progress as suits standard error: a bar, a line now and then, or nothing."""
    if quiet:
        return contextlib.nullcontext(lambda _: None)
    return _bar() if draws() else contextlib.nullcontext(_lines())


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[RunEvent], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("publishing"),
        BarColumn(None),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(event: RunEvent) -> None:
            if isinstance(event, Publishing):
                bar.update(task, completed=event.done, total=event.bytes)

        yield show


def _lines() -> Callable[[RunEvent], None]:
    said = 0.0

    def show(event: RunEvent) -> None:
        nonlocal said
        now = time.monotonic()
        last = isinstance(event, Publishing) and event.done == event.bytes
        if isinstance(event, Publishing) and (not said or last or now - said >= INTERVAL_SECONDS):
            said = now
            click.echo(f"vecmill: {delivered(event)}", err=True)

    return show
