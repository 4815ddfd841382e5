"""``vecmill publish``: a run made earlier, to wherever its readers are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vecmill.cli.logged import log_option, logged
from vecmill.cli.resumable import resumable
from vecmill.cli.subcommand import subcommand

if TYPE_CHECKING:
    from typing import Any

    from vecmill.cli.log import Log


@subcommand("vecmill publish out/articles --to hub --set repo=user/articles --dry-run")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--to", required=True, metavar="NAME", help="A publisher, such as hub.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="An option of the publisher; repeatable.")
@click.option("--force", is_flag=True, help="Publish even to a place that holds something else.")
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

    The same command again goes on where an interrupted one was; a finished one is checked, and left alone.
    """
    from vecmill.cli.text import printable
    from vecmill.cli.warnings import warn_of_plugins
    from vecmill.job.overrides import apply

    options = apply({}, settings) | ({"force": True} if force else {})
    if dry_run:
        warn_of_plugins([("publisher", to)])
        _preview(directory, to, options)
        return
    with logged(log_json, "publish", str(directory)) as log:
        warn_of_plugins([("publisher", to)])
        where = _publish(directory, to, options, log, quiet=quiet)
        log.write("run.published", places=[where])
    click.echo(printable(where))


def _publish(directory: Path, to: str, options: dict[str, Any], log: Log, *, quiet: bool) -> str:
    from vecmill.cli.delivery import delivery
    from vecmill.job.delivery import publish

    with (
        resumable(lambda: "interrupted; what was sent is kept. To go on,"),
        delivery(quiet=quiet or log.talks) as observe,
    ):
        return publish(directory, to, options, log.follow(observe))


def _preview(directory: Path, to: str, options: dict[str, Any]) -> None:
    from vecmill.cli.text import printable
    from vecmill.job.delivery import preview

    for line in preview(directory, to, options):
        click.echo(f"would {printable(line)}")
