"""``vecmill publish``: publish a dataset that an earlier run made."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecmill.cli.command import subcommand
from vecmill.cli.format import printable
from vecmill.cli.json_log import log_command, log_option
from vecmill.cli.messages import warn_of_plugins
from vecmill.cli.progress import can_redraw, format_publishing
from vecmill.cli.signals import resumable
from vecmill.concurrency import check_interrupt
from vecmill.records import Publishing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from vecmill.cli.json_log import Log
    from vecmill.records import RunEvent


INTERVAL_SECONDS = 10.0


def show_delivery(*, quiet: bool) -> contextlib.AbstractContextManager[Callable[[RunEvent], None]]:
    """Show progress by what standard error is: a bar, a line now and then, or nothing."""
    if quiet:
        return contextlib.nullcontext(lambda _: None)
    return _bar() if can_redraw() else contextlib.nullcontext(_print_lines())


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


def _print_lines() -> Callable[[RunEvent], None]:
    last_line = 0.0

    def show(event: RunEvent) -> None:
        nonlocal last_line
        now = time.monotonic()
        final = isinstance(event, Publishing) and event.done == event.bytes
        if isinstance(event, Publishing) and (not last_line or final or now - last_line >= INTERVAL_SECONDS):
            last_line = now
            click.echo(f"vecmill: {format_publishing(event)}", err=True)

    return show


@subcommand("vecmill publish out/articles --to hub --set repo=user/articles --dry-run")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--to", required=True, metavar="NAME", help="A publisher, such as hub.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="An option of the publisher; repeatable.")
@click.option("--force", is_flag=True, help="Publish even over something else that is there.")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and change nothing.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
@log_option
def command(  # noqa: PLR0913 - a command takes its options
    directory: Path,
    *,
    to: str,
    settings: tuple[str, ...],
    force: bool,
    dry_run: bool,
    quiet: bool,
    log_json: str | None,
) -> None:
    """Publish a dataset that an earlier run made.

    The same command again resumes an interrupted one; a finished one is checked and left alone.
    """
    from vecmill.job.config import apply

    options = apply({}, settings) | ({"force": True} if force else {})
    if dry_run:
        warn_of_plugins([("publisher", to)])
        _preview(directory, to, options)
        return
    with log_command(log_json, "publish", str(directory)) as log:
        warn_of_plugins([("publisher", to)])
        where = _publish(directory, to, options, log, quiet=quiet)
        log.write("run.published", places=[where])
    click.echo(printable(where))


def _publish(directory: Path, to: str, options: dict[str, Any], log: Log, *, quiet: bool) -> str:
    from vecmill.job.publish import publish

    with (
        resumable(lambda: "interrupted: files that were sent stay\nto resume,"),
        show_delivery(quiet=quiet or log.on_stderr) as observe,
    ):
        check_interrupt()
        return publish(directory, to, options, log.follow(observe))


def _preview(directory: Path, to: str, options: dict[str, Any]) -> None:
    from vecmill.job.publish import preview

    for line in preview(directory, to, options):
        click.echo(f"would {printable(line)}")
