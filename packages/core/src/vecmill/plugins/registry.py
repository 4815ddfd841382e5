"""Registry: every component there is, by kind and name."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vecmill.errors import ConfigError, PluginError
from vecmill.protocols import Batching, Chunker, Component, Embedder, Publisher, Runtime, Source
from vecmill.protocols.component import Later

if TYPE_CHECKING:
    from vecmill.plugins.manager import Problem

KINDS: dict[str, type[Component[Any]]] = {
    "source": Source,
    "chunker": Chunker,
    "batching": Batching,
    "embedder": Embedder,
    "runtime": Runtime,
    "publisher": Publisher,
}
"""What a job file can name, and the protocol each keeps."""

EXTRAS = {
    ("source", "hub-files"): "modal",
    ("embedder", "openvino"): "local",
    ("runtime", "local"): "local",
    ("runtime", "modal"): "modal",
    ("publisher", "parquet"): "local",
    ("publisher", "hub"): "local",
}
"""Components of this project's other packages, and the extra that brings them."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A component class and the plugin it came from."""

    cls: type[Any]
    plugin: str


@dataclass(slots=True)
class Registry:
    """Component classes.

    Attributes:
        entries: By kind, then by name.
        problems: The plugins that were left out, by name.
    """

    entries: dict[str, dict[str, Registered]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    problems: dict[str, Problem] = field(default_factory=dict)

    def add(self, kind: str, cls: type[Any], plugin: str) -> None:
        """Register a class.

        Raises:
            PluginError: It does not keep to the protocol, or its name is taken.
        """
        _check(kind, cls)
        taken = self.entries[kind].get(cls.name)
        if taken is not None:
            raise PluginError(
                f"{kind} {cls.name!r} is already registered by plugin {taken.plugin!r}: rename one of them"
            )
        self.entries[kind][cls.name] = Registered(cls, plugin)

    def get(self, kind: str, name: str) -> type[Any]:
        """Return a class by its name.

        Raises:
            ConfigError: No installed plugin has it; names those there are, or the broken plugin that has it.
        """
        found = self.entries[kind].get(name)
        if found is None and (blamed := self.blame(kind, name)):
            raise ConfigError(f"there is no {kind} {name!r}: {'; '.join(each.explain(name) for each in blamed)}")
        if found is None:
            names = sorted(self.entries[kind])
            extra = EXTRAS.get((kind, name))
            hint = "" if extra else _hint(name, names)
            brings = f'. It comes with pip install "vecmill[{extra}]"' if extra else ""
            raise ConfigError(f"there is no {kind} {name!r}{hint}; installed: {', '.join(names) or 'none'}{brings}")
        return found.cls

    def blame(self, kind: str, name: str) -> list[Problem]:
        """Return the broken plugins for which a component is not there: those that have it, else those that may."""
        if name in self.entries[kind]:
            return []
        by_code: dict[bool | None, list[Problem]] = {True: [], False: [], None: []}
        for problem in self.problems.values():
            by_code[problem.names(name)].append(problem)
        return by_code[True] or ([] if (kind, name) in EXTRAS else by_code[None])

    def without(self, plugin: str) -> Registry:
        """Return a registry of what the other plugins registered."""
        return Registry(
            {
                kind: {name: entry for name, entry in entries.items() if entry.plugin != plugin}
                for kind, entries in self.entries.items()
            },
            self.problems,
        )


def _check(kind: str, cls: type[Any]) -> None:
    protocol = KINDS[kind]
    label = getattr(cls, "__qualname__", repr(cls))
    if not (inspect.isclass(cls) and issubclass(cls, protocol)):
        raise PluginError(f"{label} is not a {kind}: derive it from vecmill.{protocol.__name__}")
    if not isinstance(getattr(cls, "name", None), str):
        raise PluginError(f'{kind} {label} has no name: give the class name = "…"')
    members = _members(cls)
    if not (isinstance(members["Config"], Later) or _is_model(cls.Config)):
        raise PluginError(f"{kind} {cls.name!r}: Config is not a pydantic model")
    missing = sorted(name for name, member in members.items() if getattr(member, "__isabstractmethod__", False))
    if missing:
        raise PluginError(f"{kind} {cls.name!r} lacks {', '.join(missing)}()")


def _members(cls: type[Any]) -> dict[str, Any]:
    """Return what a class has, inherited or its own, as it was written: to look at ``Config`` is not to read it."""
    return {name: member for base in reversed(cls.__mro__) for name, member in vars(base).items()}


def _is_model(config: Any) -> bool:  # noqa: ANN401 - a plugin's author may have written anything
    from pydantic import BaseModel

    return inspect.isclass(config) and issubclass(config, BaseModel)


def _hint(name: str, names: list[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, names, n=1)
    return f", did you mean {close[0]!r}?" if close else ""
