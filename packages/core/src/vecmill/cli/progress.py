"""Progress: a bar on a terminal, lines in a file or pipe, a spinner while a command waits."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from vecmill.cli.format import clean_text, format_clock, format_count, format_rate, format_size, printable, shorten_path
from vecmill.cli.progress_stats import EMBEDDING, FINISHING, PREPARING, PUBLISHING, STARTING, SUBMITTED
from vecmill.concurrency import start_thread
from vecmill.records import DocumentsRetried, RunStarted, ShardDone, ShardFailed, ShardRetried

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType
    from rich.status import Status

    from vecmill.cli.progress_stats import ProgressStats, View
    from vecmill.records import Publishing, RunEvent

    Display = Callable[[ProgressStats], contextlib.AbstractContextManager[Callable[[RunEvent], None]]]
    """Shows progress while its block runs; is called with each event for what the statistics do not hold."""


PHRASES = {
    PREPARING: "preparing: reading the model and the source",
    SUBMITTED: "running on other machines, which report progress",
    STARTING: "starting: workers load the model",
    EMBEDDING: "embedding",
    FINISHING: "finishing: checking ids, writing the manifest",
    PUBLISHING: "publishing",
}


def format_phase(view: View) -> str:
    """Return what the command is doing."""
    return format_publishing(view.delivery) if view.delivery else PHRASES[view.phase]


def format_publishing(event: Publishing) -> str:
    """Return how far a publisher is."""
    return f"{format_size(event.done)} of {format_size(event.bytes)} are at {printable(event.place)}"


def format_start(event: RunStarted) -> str:
    """Return what a run has to do, and where it writes."""
    into = f"into {shorten_path(Path(event.directory))}"
    left = event.shards - event.done
    if not left:
        return f"nothing left to embed in {format_count(event.shards, 'shard')}, {into}"
    if not event.done:
        return f"{format_size(event.bytes)} of text in {format_count(event.shards, 'shard')}, {into}"
    to_go = f"{format_size(event.bytes - event.done_bytes)} of {format_size(event.bytes)} of text"
    return f"{to_go} in {left:,} of {format_count(event.shards, 'shard')} left, {into}"


def format_retries(event: DocumentsRetried) -> str:
    """Return how many retried documents were embedded."""
    left = event.documents - event.embedded
    documents = format_count(event.documents, "document")
    what = f"{documents} again that the engine had refused: {event.embedded:,} embedded now"
    return (
        f"could not try {what}: {clean_text(event.error)}" if event.error else f"tried {what}, {left:,} refused again"
    )


def format_problem(event: RunEvent) -> str | None:
    """Return what went wrong with a shard, or was tried again, if this is such an event."""
    if isinstance(event, DocumentsRetried):
        return format_retries(event)
    if isinstance(event, ShardRetried):
        return f"shard {event.shard} failed and will be tried again: {clean_text(event.error)}"
    if isinstance(event, ShardFailed):
        failure = event.failure
        attempts = format_count(failure.attempts, "attempt")
        return f"shard {failure.index} failed after {attempts}: {clean_text(failure.error)}"
    if isinstance(event, ShardDone) and event.receipt.unsent:
        reasons = clean_text("; ".join(event.receipt.unsent))
        index = event.receipt.index
        return f"shard {index} is done, but its worker could not send it, so it is sent at the end: {reasons}"
    return None


PER_SECOND = 5


@contextlib.contextmanager
def bar(stats: ProgressStats, console: Console | None = None) -> Iterator[Callable[[RunEvent], None]]:
    """Draw a bar over the bytes of text, with counts and speeds below it and problems above it."""
    console = console or Console(stderr=True)
    spinner = Spinner("dots")

    def frame() -> RenderableType:
        view = stats.view()
        if view.phase == EMBEDDING:
            return _draw_embedding(view)
        return _draw_publishing(view.delivery, view.seconds) if view.delivery else _draw_waiting(view, spinner)

    def show(event: RunEvent) -> None:
        if isinstance(event, RunStarted):
            console.print(Text(format_start(event)))
        if problem := format_problem(event):
            console.print(Text(problem, style="yellow"))

    with Live(
        get_renderable=frame, console=console, refresh_per_second=PER_SECOND, transient=True, redirect_stdout=False
    ):
        yield show


def _draw_waiting(view: View, spinner: Spinner) -> RenderableType:
    spinner.update(text=Text.assemble(format_phase(view), "  ", (format_clock(view.seconds), "dim")))
    return spinner


def _draw_embedding(view: View) -> RenderableType:
    left = "" if view.left is None else f"{format_clock(view.left)} left"
    return Group(
        _draw_bar("embedding", view.share, left),
        Text(_format_counts(view), style="dim", overflow="ellipsis", no_wrap=True),
    )


def _draw_publishing(event: Publishing, seconds: float) -> RenderableType:
    share = event.done / event.bytes if event.bytes else 1.0
    text = f"{format_publishing(event)}  {format_clock(seconds)} elapsed"
    return Group(_draw_bar("publishing", share, ""), Text(text, style="dim", overflow="ellipsis", no_wrap=True))


def _draw_bar(what: str, share: float, right: str) -> Table:
    row = Table.grid(expand=True, padding=(0, 1))
    row.add_column()
    row.add_column(ratio=1)
    row.add_column(justify="right", min_width=4)
    row.add_column(justify="right", min_width=10)
    row.add_row(what, ProgressBar(total=1, completed=share), f"{share:.0%}", right)
    return row


def _format_counts(view: View) -> str:
    chunks, tokens = (view.speed.chunks, view.speed.tokens) if view.speed else (None, None)
    return "  ".join(
        [
            f"{view.counts.documents:,} documents",
            format_rate(chunks, "chunks"),
            format_rate(tokens, "tokens"),
            f"{view.shards_done:,}/{view.shards:,} shards",
            f"{format_clock(view.seconds)} elapsed",
        ]
    )


FIRST_SECONDS = 1.0
"""A job with an error has printed it by then, and nothing else."""
INTERVAL_SECONDS = 10.0


@contextlib.contextmanager
def lines(
    stats: ProgressStats, first: float = FIRST_SECONDS, interval: float = INTERVAL_SECONDS
) -> Iterator[Callable[[RunEvent], None]]:
    """Print a line when the work begins, when its phase changes, when a shard fails, and every ``interval`` seconds."""

    def tick() -> None:
        view = stats.view()
        if view.phase != SUBMITTED:
            _print(format_line(view))

    with _ticker(tick, first, interval):
        phase = stats.view().phase

        def show(event: RunEvent) -> None:
            nonlocal phase
            if isinstance(event, RunStarted):
                _print(format_start(event))
            if problem := format_problem(event):
                _print(problem)
            view = stats.view()
            if view.phase not in {phase, STARTING, EMBEDDING}:
                _print(format_line(view))
            phase = view.phase

        yield show


def format_line(view: View) -> str:
    """Return how a run stands."""
    return format_status(view) if view.phase == EMBEDDING else f"{format_phase(view)}, {format_clock(view.seconds)}"


def format_status(view: View) -> str:
    """Return how far the embedding is."""
    chunks, tokens = (view.speed.chunks, view.speed.tokens) if view.speed else (None, None)
    parts = [
        f"{view.share:.0%}",
        f"{view.shards_done}/{format_count(view.shards, 'shard')}",
        format_count(view.counts.documents, "document"),
        format_rate(chunks, "chunks"),
        format_rate(tokens, "tokens"),
        f"{format_clock(view.seconds)} elapsed",
    ]
    return ", ".join(parts if view.left is None else [*parts, f"{format_clock(view.left)} left"])


@contextlib.contextmanager
def _ticker(tick: Callable[[], None], first: float, interval: float) -> Iterator[None]:
    """Call ``tick`` every so often: a line shows that the command works, even when no event comes."""
    over = threading.Event()

    def work() -> None:
        wait = first
        while not over.wait(wait):
            with contextlib.suppress(OSError, ValueError):  # standard error is closed; the work goes on
                tick()
            wait = interval

    thread = start_thread("progress", work)
    try:
        yield
    finally:
        over.set()
        thread.join()


def _print(text: str) -> None:
    click.echo(f"vecmill: {printable(text)}", err=True)


@contextlib.contextmanager
def progress(stats: ProgressStats, *, quiet: bool) -> Iterator[Callable[[RunEvent], None]]:
    """Count the events of a run, and show how it stands while the block runs."""
    with choose_display(quiet=quiet)(stats) as show:

        def observe(event: RunEvent) -> None:
            stats.take(event)
            show(event)

        yield observe


def choose_display(*, quiet: bool) -> Display:
    """Choose what suits standard error."""
    if quiet:
        return _nothing
    return bar if can_redraw() else lines


def can_redraw() -> bool:
    """Whether standard error is a terminal that can redraw a line."""
    return sys.stderr.isatty() and os.environ.get("TERM", "") not in {"", "dumb", "unknown"}


@contextlib.contextmanager
def _nothing(stats: ProgressStats) -> Iterator[Callable[[RunEvent], None]]:
    del stats
    yield lambda _: None


class Waiting:
    """A spinner, or none."""

    def __init__(self, status: Status | None = None) -> None:
        self._status = status

    @contextlib.contextmanager
    def pause_spinner(self) -> Iterator[None]:
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
    if not can_redraw():
        yield Waiting()
        return
    with Console(stderr=True).status(Text(printable(what))) as status:
        yield Waiting(status)
