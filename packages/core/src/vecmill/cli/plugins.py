"""``vecmill plugins``: what a job file can name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vecmill.cli.subcommand import subcommand

if TYPE_CHECKING:
    from vecmill.cli.inventory import Inventory, Plugin

COLORS = {"in use": "green", "disabled": "yellow", "broken": "red"}


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
    _components(found)
    click.echo()
    _plugins(found)


def _components(found: Inventory) -> None:
    from vecmill.cli.table import table

    rows = [(item.kind, item.name, item.plugin, item.summary) for item in found.components]
    for line in table(("kind", "name", "plugin", "what it is"), rows):
        click.echo(line)


def _plugins(found: Inventory) -> None:
    from vecmill.cli.table import table

    rows = [(plugin.name, f"{plugin.distribution} {plugin.version}", _state(plugin)) for plugin in found.plugins]
    for line in table(("plugin", "package", "state"), rows):
        click.echo(line)


def _state(plugin: Plugin) -> str:
    from vecmill.cli.text import said

    state = click.style(plugin.state, fg=COLORS[plugin.state])
    return f"{state}: {said(plugin.reason)}" if plugin.reason else state
