"""Lines: progress for a pipe or a log, a line now and then."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import click

from vecmill.cli.sentences import begun, phrase, trouble
from vecmill.cli.tally import ELSEWHERE, EMBEDDING, STARTING
from vecmill.cli.text import clock, plural, printable, rate
from vecmill.records import RunStarted
from vecmill.threads import start_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vecmill.cli.tally import Tally, View
    from vecmill.records import RunEvent

FIRST_SECONDS = 1.0
"""A job that is refused is refused by then, and its error stands alone."""
INTERVAL_SECONDS = 10.0


@contextlib.contextmanager
def lines(
    tally: Tally, first: float = FIRST_SECONDS, interval: float = INTERVAL_SECONDS
) -> Iterator[Callable[[RunEvent], None]]:
    """Print a line when the work begins, when its phase changes, when a shard fails, and every ``interval`` seconds."""

    def tick() -> None:
        view = tally.view()
        if view.phase != ELSEWHERE:
            _say(line(view))

    with _ticker(tick, first, interval):
        phase = tally.view().phase

        def show(event: RunEvent) -> None:
            nonlocal phase
            if isinstance(event, RunStarted):
                _say(begun(event))
            if problem := trouble(event):
                _say(problem)
            view = tally.view()
            if view.phase not in {phase, STARTING, EMBEDDING}:
                _say(line(view))
            phase = view.phase

        yield show


def line(view: View) -> str:
    """Say how the run stands."""
    return status(view) if view.phase == EMBEDDING else f"{phrase(view)}, {clock(view.seconds)}"


def status(view: View) -> str:
    """Say how far the embedding is."""
    chunks, tokens = (view.speed.chunks, view.speed.tokens) if view.speed else (None, None)
    parts = [
        f"{view.share:.0%}",
        f"{view.shards_done}/{plural(view.shards, 'shard')}",
        plural(view.counts.documents, "document"),
        rate(chunks, "chunks"),
        rate(tokens, "tokens"),
        f"{clock(view.seconds)} elapsed",
    ]
    return ", ".join(parts if view.left is None else [*parts, f"{clock(view.left)} left"])


@contextlib.contextmanager
def _ticker(tick: Callable[[], None], first: float, interval: float) -> Iterator[None]:
    """Call ``tick`` every so often: nobody looks at silence, even when no event comes."""
    over = threading.Event()

    def work() -> None:
        wait = first
        while not over.wait(wait):
            with contextlib.suppress(OSError, ValueError):  # standard error is closed: the work goes on unseen
                tick()
            wait = interval

    thread = start_thread("progress", work)
    try:
        yield
    finally:
        over.set()
        thread.join()


def _say(text: str) -> None:
    click.echo(f"vecmill: {printable(text)}", err=True)
