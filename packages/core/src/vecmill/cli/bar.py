"""Bar: progress on a terminal."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from vecmill.cli.sentences import begun, delivered, phrase, trouble
from vecmill.cli.tally import EMBEDDING
from vecmill.cli.text import clock, rate
from vecmill.records import RunStarted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType

    from vecmill.cli.tally import Tally, View
    from vecmill.records import Publishing, RunEvent

PER_SECOND = 5


@contextlib.contextmanager
def bar(tally: Tally, console: Console | None = None) -> Iterator[Callable[[RunEvent], None]]:
    """Draw a bar over the bytes of text, with counts and speeds below it; what goes wrong is printed above it."""
    console = console or Console(stderr=True)
    spinner = Spinner("dots")

    def frame() -> RenderableType:
        view = tally.view()
        if view.phase == EMBEDDING:
            return _embedding(view)
        return _publishing(view.delivery, view.seconds) if view.delivery else _waiting(view, spinner)

    def show(event: RunEvent) -> None:
        if isinstance(event, RunStarted):
            console.print(Text(begun(event)))
        if problem := trouble(event):
            console.print(Text(problem, style="yellow"))

    with Live(
        get_renderable=frame, console=console, refresh_per_second=PER_SECOND, transient=True, redirect_stdout=False
    ):
        yield show


def _waiting(view: View, spinner: Spinner) -> RenderableType:
    spinner.update(text=Text.assemble(phrase(view), "  ", (clock(view.seconds), "dim")))
    return spinner


def _embedding(view: View) -> RenderableType:
    left = "" if view.left is None else f"{clock(view.left)} left"
    return Group(
        _bar("embedding", view.share, left), Text(_counts(view), style="dim", overflow="ellipsis", no_wrap=True)
    )


def _publishing(event: Publishing, seconds: float) -> RenderableType:
    share = event.done / event.bytes if event.bytes else 1.0
    told = f"{delivered(event)}  {clock(seconds)} elapsed"
    return Group(_bar("publishing", share, ""), Text(told, style="dim", overflow="ellipsis", no_wrap=True))


def _bar(what: str, share: float, right: str) -> Table:
    row = Table.grid(expand=True, padding=(0, 1))
    row.add_column()
    row.add_column(ratio=1)
    row.add_column(justify="right", min_width=4)
    row.add_column(justify="right", min_width=10)
    row.add_row(what, ProgressBar(total=1, completed=share), f"{share:.0%}", right)
    return row


def _counts(view: View) -> str:
    chunks, tokens = (view.speed.chunks, view.speed.tokens) if view.speed else (None, None)
    return "  ".join(
        [
            f"{view.counts.documents:,} documents",
            rate(chunks, "chunks"),
            rate(tokens, "tokens"),
            f"{view.shards_done:,}/{view.shards:,} shards",
            f"{clock(view.seconds)} elapsed",
        ]
    )
