"""``vecmill plugins``: what a job file can name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vecmill.cli.subcommand import subcommand

if TYPE_CHECKING:
    from vecmill.cli.inventory import Inventory


@subcommand("vecmill plugins")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def command(*, as_json: bool) -> None:
    """List the installed components: what a job file can name, and the plugins that bring it."""
    from vecmill.cli.inventory import inventory

    found = inventory(options=as_json)
    if as_json:
        import dataclasses
        import json

        click.echo(json.dumps(dataclasses.asdict(found), indent=2))
        return
    _table(found)
    _outsiders(found)


def _table(found: Inventory) -> None:
    from vecmill.cli.table import table

    rows = [(item.kind, item.name, f"{item.plugin} {item.version}", item.summary) for item in found.components]
    for line in table(("kind", "name", "plugin", "what it is"), rows):
        click.echo(line)


def _outsiders(found: Inventory) -> None:
    from vecmill.cli.text import printable

    for name in found.disabled:
        click.echo(f"\n{click.style('disabled', fg='yellow')}  {name}, by VECMILL_DISABLE_PLUGINS")
    for problem in found.problems.values():
        click.echo(f"\n{click.style('broken', fg='red')}  {printable(problem)}")
