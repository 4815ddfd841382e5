"""Plugins: what is installed, loaded one by one, and what is wrong with those that cannot be."""

from __future__ import annotations

import functools
import importlib.util
import os
import warnings
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from vecmill import hookspecs
from vecmill.__about__ import __version__
from vecmill.errors import PluginError, PluginWarning, describe_error
from vecmill.plugins import builtin
from vecmill.plugins.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vecmill.records import RunEvent


DISABLE = "VECMILL_DISABLE_PLUGINS"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a plugin was left out.

    Attributes:
        plugin: Its name.
        origin: Its distribution and version, or its module.
        error: What went wrong.
        module: The module that its entry point names.
    """

    plugin: str
    origin: str
    error: str
    module: str = ""

    @property
    def cure(self) -> str:
        """What to do."""
        return f"update the plugin, or set {DISABLE}={self.plugin}"

    def __str__(self) -> str:
        return f"plugin {self.plugin!r} ({self.origin}) cannot be used and was left out: {self.error}; {self.cure}"

    def explain(self, name: str) -> str:
        """Say in one sentence why a component of this plugin is not there."""
        has = "has it" if self.names(name) else "may have it"
        return (
            f"plugin {self.plugin!r} ({self.origin}), which {has}, could not be imported: {self.error}; install the "
            "plugin again, or update it"
        )

    def names(self, name: str) -> bool | None:
        """Whether the plugin's code holds a component's name as a string; None where there is no code to read."""
        texts = list(_read_code(self.module))
        if not texts:
            return None
        return any(f'"{name}"' in text or f"'{name}'" in text for text in texts)


def _read_code(module: str) -> Iterator[str]:
    """Yield the source text of a module's package; nothing is imported for it."""
    top, _, rest = module.partition(".")
    try:
        spec = importlib.util.find_spec(top) if top else None
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return
    roots = [Path(root) for root in spec.submodule_search_locations or ()]
    if spec.origin is None and rest:  # of a namespace package, the part that is the plugin's
        roots = [root / rest.partition(".")[0] for root in roots]
    files = [path for root in roots for path in sorted(root.rglob("*.py"))]
    files += [path for path in (root.with_suffix(".py") for root in roots) if path.is_file()]
    if not roots and spec.origin:
        files = [Path(spec.origin)]
    for path in files:
        try:
            yield path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue


OWN = "vecmill"
"""The plugin that the built-in components are."""
GROUP = "vecmill"
EXTRA = "VECMILL_PLUGINS"
"""Plugins by ``name=module``, separated by commas, where there is no package metadata."""
HOOKS = {
    "vecmill_register_sources": "source",
    "vecmill_register_chunkers": "chunker",
    "vecmill_register_embedders": "embedder",
    "vecmill_register_runtimes": "runtime",
    "vecmill_register_launchers": "launcher",
    "vecmill_register_publishers": "publisher",
}


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager("vecmill")
    manager.add_hookspecs(hookspecs)
    return manager


@dataclass(slots=True)
class Plugins:
    """What was found.

    Attributes:
        registry: Every component, by kind and name; and what is wrong with the plugins that were left out.
        loaded: Names of the plugins in use, with their distribution and version.
        disabled: Those switched off by ``VECMILL_DISABLE_PLUGINS``, in the same way.
    """

    registry: Registry = field(default_factory=Registry)
    loaded: dict[str, str] = field(default_factory=dict)
    disabled: dict[str, str] = field(default_factory=dict)
    _observers: pluggy.PluginManager = field(default_factory=_manager)

    @property
    def problems(self) -> dict[str, Problem]:
        """What is wrong, by plugin; such a plugin is left out."""
        return self.registry.problems

    def observe(self, event: RunEvent) -> None:
        """Pass an event to every plugin that observes runs; one that fails gets no more, and the run goes on."""
        for observer in list(self._observers.hook.vecmill_run_event.get_hookimpls()):
            try:
                observer.function(*[event][: len(observer.argnames)])
            except Exception as error:  # noqa: BLE001 - whatever a plugin does, the run goes on
                name = observer.plugin_name
                self._observers.unregister(name=name)
                warnings.warn(
                    f"plugin {name!r} ({self.loaded.get(name, '')}) failed at {type(event).__name__} and gets no "
                    f"more events of this run: {describe_error(error)}; update it, or set {DISABLE}={name}",
                    PluginWarning,
                    stacklevel=2,
                )

    def add(self, module: Any, name: str, origin: str) -> None:  # noqa: ANN401 - a plugin is any object with hooks
        """Register all that a plugin brings, or nothing of it."""
        manager = _manager()
        scratch = Registry({kind: dict(entries) for kind, entries in self.registry.entries.items()}, self.problems)
        manager.register(module, name=name)
        manager.check_pending()
        _check_marks(manager, module)
        for hook, kind in HOOKS.items():
            getattr(manager.hook, hook)(register=functools.partial(_register, scratch, kind, name))
        self._observers.register(module, name=name)
        self.registry = scratch
        self.loaded[name] = origin

    def check(self) -> None:
        """Import every component, which is not needed to list it; leave out a plugin of which one cannot be imported.

        Raises:
            PluginError: A built-in component cannot be imported: the installation is damaged.
        """
        for name, error in _unreadable(self.registry):
            if name == OWN:
                raise error
            if name in self.loaded:
                self._leave_out(name, error)

    def _leave_out(self, name: str, error: PluginError) -> None:
        module = getattr(self._observers.unregister(name=name), "__name__", "")
        self.registry = self.registry.without(name)
        self.problems[name] = Problem(name, self.loaded.pop(name), str(error), module)


def _check_marks(manager: pluggy.PluginManager, module: Any) -> None:  # noqa: ANN401 - as above
    """Refuse a plugin whose functions pluggy would ignore."""
    names = [*HOOKS, "vecmill_run_event"]
    unmarked = [name for name in names if hasattr(module, name) and not manager.parse_hookimpl_opts(module, name)]
    if unmarked:
        raise PluginError(f"{unmarked[0]} is not marked: put @vecmill.hookimpl above it")
    if not manager.get_hookcallers(module):
        raise PluginError(f"it has none of the hooks: {', '.join(names)}")


def _unreadable(registry: Registry) -> Iterator[tuple[str, PluginError]]:
    for entries in registry.entries.values():
        for entry in entries.values():
            try:
                entry.cls  # noqa: B018 - reading it imports it
            except PluginError as error:
                yield entry.plugin, error


def _register(registry: Registry, kind: str, plugin: str, component: type[Any] | str) -> None:
    registry.add(kind, component, plugin)


@functools.cache
def load() -> Plugins:
    """Load the built-ins and every installed plugin, once in a process."""
    plugins = Plugins()
    for batching in builtin.BATCHING:
        plugins.registry.add("batching", batching, OWN)
    plugins.add(builtin, OWN, f"{OWN} {__version__}")
    disabled = {name.strip() for name in os.environ.get(DISABLE, "").split(",")}
    for point in _points():
        if point.name in disabled:
            plugins.disabled[point.name] = _origin(point)
        else:
            _try(plugins, point)
    return plugins


def _points() -> list[EntryPoint]:
    """Return where plugins are, by name; what the variable says goes before what is installed."""
    points = {point.name: point for point in entry_points(group=GROUP)}
    for pair in filter(None, os.environ.get(EXTRA, "").split(",")):
        name, _, module = pair.strip().partition("=")
        points[name] = EntryPoint(name=name, value=module, group=GROUP)
    return [points[name] for name in sorted(points)]


def _origin(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def _try(plugins: Plugins, point: EntryPoint) -> None:
    origin = _origin(point)
    try:
        plugins.add(point.load(), point.name, origin)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin does, the others go on
        plugins.problems[point.name] = Problem(point.name, origin, describe_error(error), point.module)
