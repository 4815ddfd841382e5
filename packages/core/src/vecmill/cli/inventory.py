"""Inventory: the components and plugins that are installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vecmill.__about__ import __version__
from vecmill.plugins import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vecmill.plugins import Plugins


@dataclass(frozen=True, slots=True)
class Item:
    """A component.

    Attributes:
        kind: ``source``, ``chunker`` and so on; ``observer`` for a plugin that only watches runs.
        name: How a job file asks for it.
        plugin: Who brings it.
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
class Inventory:
    """What was found; ``problems`` says by plugin what is wrong with those that were left out."""

    components: list[Item]
    problems: dict[str, str]
    disabled: list[str]


def inventory(*, options: bool = False) -> Inventory:
    """List every component by kind, then every plugin that brings none.

    Args:
        options: Whether to read their options, too; it takes longer to import them than to find the components.
    """
    plugins = load()
    if options:
        plugins.check()
    components = [*_components(plugins, options=options), *_observers(plugins)]
    return Inventory(components, dict(plugins.problems), list(plugins.disabled))


def _components(plugins: Plugins, *, options: bool) -> Iterator[Item]:
    for kind, entries in plugins.registry.entries.items():
        for name, entry in sorted(entries.items()):
            fields = list(entry.cls.Config.model_fields) if options else None
            yield Item(kind, name, entry.plugin, *_origin(plugins, entry.plugin), _summary(entry.cls), fields)


def _observers(plugins: Plugins) -> Iterator[Item]:
    bringing = {entry.plugin for entries in plugins.registry.entries.values() for entry in entries.values()}
    for name in sorted(set(plugins.loaded) - bringing):
        yield Item("observer", name, name, *_origin(plugins, name), "Watches runs.", [])


def _origin(plugins: Plugins, plugin: str) -> tuple[str, str]:
    """Return a plugin's distribution and its version."""
    distribution, _, version = plugins.loaded.get(plugin, plugin).partition(" ")
    return distribution, version or (__version__ if distribution == "vecmill" else "")


def _summary(cls: type[Any]) -> str:
    # Of the class itself: an inherited docstring would describe the protocol.
    first = (cls.__dict__.get("__doc__") or "").strip().partition("\n")[0]
    sentence, period, _ = first.replace("``", "").partition(". ")
    return sentence + period.rstrip()
