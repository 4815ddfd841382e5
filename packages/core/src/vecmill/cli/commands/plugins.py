"""``vecmill plugins``: list the installed components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from vecmill.cli.command import subcommand
from vecmill.concurrency import check_interrupt
from vecmill.plugins import DISABLE, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vecmill.plugins import Plugins


@dataclass(frozen=True, slots=True)
class Item:
    """A component.

    Attributes:
        kind: ``source``, ``chunker`` and so on; ``observer`` for a plugin that only watches runs.
        name: How a job file asks for it.
        plugin: The plugin that has it.
        distribution: The package that the plugin is in.
        version: Of that package.
        summary: The first sentence of its documentation.
        options: What a job file can set, if that was asked for.
    """

    kind: str
    name: str
    plugin: str
    distribution: str
    version: str
    summary: str
    options: list[str] | None


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin, whether it is in use or not.

    Attributes:
        name: How ``VECMILL_DISABLE_PLUGINS`` and errors name it.
        distribution: The package that it is in.
        version: Of that package.
        state: ``in use``, ``disabled`` or ``broken``.
        reason: Why it is not in use, and what to do.
    """

    name: str
    distribution: str
    version: str
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was found; ``problems`` says by plugin what is wrong with those that were left out."""

    components: list[Item]
    plugins: list[Plugin]
    problems: dict[str, str]
    disabled: list[str]


def take_inventory(*, options: bool = False) -> Inventory:
    """List every component by kind, then every plugin that brings none.

    Args:
        options: Whether to read their options, too; it takes longer to import them than to find the components.
    """
    plugins = load()
    if options:
        plugins.check()
    components = [*_list_components(plugins, options=options), *_list_observers(plugins)]
    problems = {name: str(problem) for name, problem in plugins.problems.items()}
    return Inventory(components, list(_list_plugins(plugins)), problems, list(plugins.disabled))


def _list_components(plugins: Plugins, *, options: bool) -> Iterator[Item]:
    for kind, entries in plugins.registry.entries.items():
        for name, entry in sorted(entries.items()):
            fields = list(entry.cls.Config.model_fields) if options else None
            origin = _split_origin(plugins.loaded[entry.plugin])
            yield Item(kind, name, entry.plugin, *origin, entry.summary, fields)


def _list_observers(plugins: Plugins) -> Iterator[Item]:
    bringing = {entry.plugin for entries in plugins.registry.entries.values() for entry in entries.values()}
    for name in sorted(set(plugins.loaded) - bringing):
        yield Item("observer", name, name, *_split_origin(plugins.loaded[name]), "Watches runs.", [])


def _list_plugins(plugins: Plugins) -> Iterator[Plugin]:
    for name, origin in plugins.loaded.items():
        yield Plugin(name, *_split_origin(origin), "in use")
    for name, origin in plugins.disabled.items():
        yield Plugin(name, *_split_origin(origin), "disabled", f"{DISABLE} names it")
    for name, problem in plugins.problems.items():
        yield Plugin(name, *_split_origin(problem.origin), "broken", f"{problem.error}; {problem.cure}")


def _split_origin(origin: str) -> tuple[str, str]:
    """Return a plugin's distribution and its version."""
    distribution, _, version = origin.partition(" ")
    return distribution, version


COLORS = {"in use": "green", "disabled": "yellow", "broken": "red"}


@subcommand("vecmill plugins")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def command(*, as_json: bool) -> None:
    """List the installed components: what a job file can name, and the plugins that bring it."""
    found = take_inventory(options=as_json)
    check_interrupt()
    if as_json:
        import dataclasses
        import json

        click.echo(json.dumps(dataclasses.asdict(found), indent=2))
        return
    _print_components(found)
    click.echo()
    _print_plugins(found)


def _print_components(found: Inventory) -> None:
    from vecmill.cli.format import format_table

    rows = [(item.kind, item.name, item.plugin, item.summary) for item in found.components]
    for line in format_table(("kind", "name", "plugin", "what it is"), rows):
        click.echo(line)


def _print_plugins(found: Inventory) -> None:
    from vecmill.cli.format import format_table

    rows = [(plugin.name, f"{plugin.distribution} {plugin.version}", _format_state(plugin)) for plugin in found.plugins]
    for line in format_table(("plugin", "package", "state"), rows):
        click.echo(line)


def _format_state(plugin: Plugin) -> str:
    from vecmill.cli.format import clean_text

    state = click.style(plugin.state, fg=COLORS[plugin.state])
    return f"{state}: {clean_text(plugin.reason)}" if plugin.reason else state
