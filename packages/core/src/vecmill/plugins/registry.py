"""Registry: every component there is, by kind and name, and what a job's name and options make of it."""

from __future__ import annotations

import ast
import difflib
import importlib
import inspect
import sys
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from importlib.abc import InspectLoader
from importlib.machinery import PathFinder
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from vecmill.errors import ConfigError, PluginError, describe_error

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

    from vecmill.plugins.manager import Problem
    from vecmill.records import ComponentSpec

KINDS = {
    "source": "Source",
    "chunker": "Chunker",
    "batching": "Batching",
    "embedder": "Embedder",
    "runtime": "Runtime",
    "launcher": "Launcher",
    "publisher": "Publisher",
}
"""What a job file can name, and the protocol of each in ``vecmill.protocols``; ``runtime.name`` may name a launcher."""

EXTRAS = {
    ("source", "hub-files"): "modal",
    ("embedder", "openvino"): "local",
    ("runtime", "local"): "local",
    ("runtime", "modal"): "modal",
    ("launcher", "modal"): "modal",
    ("publisher", "parquet"): "local",
    ("publisher", "hub"): "local",
}
"""Components of this project's other packages, and the extra that brings them."""

SHOWN = 80
"""Characters of a wrong value that an error quotes."""


TABLES = {"model_type": "input should be a table", "model_attributes_type": "input should be a table"}
"""What pydantic says of its own classes, in a job file's words."""


class Reference:
    """A component class by its path, ``module:Class``: listed from the module's text, imported when it is used.

    To import a component takes pydantic, which takes longer to import than the rest of the command line.

    Attributes:
        kind: What it is registered as.
        path: As the plugin gave it.
    """

    def __init__(self, kind: str, path: str) -> None:
        self.kind = kind
        self.path = path
        self._module, _, self._name = path.partition(":")

    @cached_property
    def described(self) -> tuple[str, str]:
        """The component's name and docstring, imported only if the module's text does not show them.

        Raises:
            PluginError: The module is not there, is not Python, or cannot be imported.
        """
        if self._module not in sys.modules and (shown := self._read()):
            return shown
        return self.cls.name, vars(self.cls).get("__doc__") or ""

    @cached_property
    def cls(self) -> type[Any]:
        """The class.

        Raises:
            PluginError: It cannot be imported, or does not keep to the protocol.
        """
        try:
            found = getattr(importlib.import_module(self._module), self._name)
        except (Exception, SystemExit) as error:
            raise self._import_error(error) from error
        cls = _check(self.kind, found)
        listed = vars(self).get("described", (cls.name,))[0]
        if cls.name != listed:
            raise PluginError(
                f"{self.kind} {self.path} is listed as {listed!r} and has the name {cls.name!r}: set name to a string "
                "in the class, and nowhere else"
            )
        return cls

    def _read(self) -> tuple[str, str] | None:
        """Return name and docstring from the module's text; None where it does not show both."""
        try:
            spec = _find_module(self._module)
            source = spec.loader.get_source(self._module) if isinstance(spec.loader, InspectLoader) else None
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # they come when the module is imported
                tree = ast.parse(source or "", spec.origin or self._module)
        except (ImportError, SyntaxError, ValueError) as error:
            raise self._import_error(error) from error
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == self._name]
        names = [name for node in classes for name in _names(node)]
        return (names[-1], ast.get_docstring(classes[-1]) or "") if names else None

    def _import_error(self, error: BaseException) -> PluginError:
        return PluginError(f"{self.kind} {self.path} cannot be imported: {describe_error(error)}")


def _find_module(name: str) -> ModuleSpec:
    """Find a module without importing it or the packages that it is in.

    Raises:
        ImportError: It is not there.
    """
    top, *rest = name.split(".")
    spec, path = find_spec(top), top
    for part in rest:
        path = f"{path}.{part}"
        spec = PathFinder.find_spec(path, spec.submodule_search_locations) if spec else None
    if spec is None:
        raise ModuleNotFoundError(f"No module named {path!r}")
    return spec


def _names(node: ast.ClassDef) -> list[str]:
    """Return the strings that a class's text sets ``name`` to."""
    found = []
    for statement in node.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        value = getattr(statement, "value", None)
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            found += [value.value for target in targets if isinstance(target, ast.Name) and target.id == "name"]
    return found


@dataclass(frozen=True, slots=True)
class Registered:
    """A component and the plugin that brings it.

    Attributes:
        component: Its class, or where that is.
        plugin: The plugin's name.
    """

    component: type[Any] | Reference
    plugin: str

    @property
    def cls(self) -> type[Any]:
        """The class, imported now if nobody has used it yet.

        Raises:
            PluginError: It cannot be imported, or does not keep to the protocol.
        """
        return self.component.cls if isinstance(self.component, Reference) else self.component

    @property
    def summary(self) -> str:
        """The first sentence of its documentation; nothing is imported for it if the text of its module shows it."""
        # Of the class itself: an inherited docstring would describe the protocol.
        component = self.component
        text = component.described[1] if isinstance(component, Reference) else vars(component).get("__doc__")
        first = (text or "").strip().partition("\n")[0]
        sentence, period, _ = first.replace("``", "").partition(". ")
        return sentence + period.rstrip()


@dataclass(slots=True)
class Registry:
    """Component classes.

    Attributes:
        entries: By kind, then by name.
        problems: The plugins that were left out, by name.
    """

    entries: dict[str, dict[str, Registered]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    problems: dict[str, Problem] = field(default_factory=dict)

    def add(self, kind: str, component: type[Any] | str, plugin: str) -> None:
        """Register a class, or its path as ``module:Class``.

        Raises:
            PluginError: It does not keep to the protocol, cannot be found, or its name is taken.
        """
        if isinstance(component, str) and ":" in component:
            self._enter(kind, Reference(kind, component), plugin)
        else:
            self._enter(kind, _check(kind, component), plugin)

    def _enter(self, kind: str, component: type[Any] | Reference, plugin: str) -> None:
        name = component.described[0] if isinstance(component, Reference) else component.name
        taken = self.entries[kind].get(name)
        if taken is not None:
            raise PluginError(f"{kind} {name!r} is already registered by plugin {taken.plugin!r}: rename one of them")
        self.entries[kind][name] = Registered(component, plugin)

    def get(self, kind: str, name: str) -> type[Any]:
        """Return a class by its name; for a runtime that there is none of, the launcher of that name.

        Raises:
            ConfigError: No installed plugin has it; names those there are, or the broken plugin that has it.
        """
        found = self.entries[kind].get(name)
        if found is None and kind == "runtime":
            found = self.entries["launcher"].get(name)
        if found is None and (blamed := self.blame(kind, name)):
            raise ConfigError(f"there is no {kind} {name!r}: {'; '.join(each.explain(name) for each in blamed)}")
        if found is None:
            names = sorted(self.entries[kind])
            extra = EXTRAS.get((kind, name))
            hint = "" if extra else _hint(name, names)
            brings = f'. It comes with pip install "vecmill[{extra}]"' if extra else ""
            raise ConfigError(f"there is no {kind} {name!r}{hint}; installed: {', '.join(names) or 'none'}{brings}")
        try:
            return found.cls
        except PluginError as error:
            raise ConfigError(f"{error}; install the plugin {found.plugin!r} again, or update it") from error

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


def _check(kind: str, component: Any) -> type[Any]:  # noqa: ANN401 - a plugin's author may have written anything
    """Return a class that keeps to the protocol of its kind.

    Raises:
        PluginError: It does not.
    """
    from pydantic import BaseModel

    from vecmill import protocols

    protocol: type[Any] = getattr(protocols, KINDS[kind])
    label = getattr(component, "__qualname__", repr(component))
    if not (inspect.isclass(component) and issubclass(component, protocol)):
        raise PluginError(f"{label} is not a {kind}: derive it from vecmill.{protocol.__name__}")
    cls: type[Any] = component
    if not isinstance(getattr(cls, "name", None), str):
        raise PluginError(f'{kind} {label} has no name: give the class name = "…"')
    if not (inspect.isclass(cls.Config) and issubclass(cls.Config, BaseModel)):
        raise PluginError(f"{kind} {cls.name!r}: Config is not a pydantic model")
    members = {name: member for base in reversed(cls.__mro__) for name, member in vars(base).items()}
    missing = sorted(name for name, member in members.items() if getattr(member, "__isabstractmethod__", False))
    if missing:
        raise PluginError(f"{kind} {cls.name!r} lacks {', '.join(missing)}()")
    return cls


def _hint(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f", did you mean {close[0]!r}?" if close else ""


def build(registry: Registry, kind: str, spec: ComponentSpec, *parts: Any) -> Any:  # noqa: ANN401 - the kind decides
    """Make the component that a job names.

    Raises:
        ConfigError: There is none of that name, or its options are wrong.
    """
    cls = registry.get(kind, spec.name)
    return cls(validate_options(cls, kind, spec.options), *parts)


def validate_options(cls: type[Any], kind: str, values: dict[str, Any]) -> BaseModel:
    """Validate a component's options.

    Raises:
        ConfigError: Names every wrong key, what was found, and what is allowed.
    """
    from pydantic import ValidationError

    try:
        return cls.Config(**values)  # type: ignore[no-any-return]
    except ValidationError as error:
        raise ConfigError("\n".join(explain(error, cls.Config, f"{kind}."))) from None


def explain(error: ValidationError, model: type[BaseModel], prefix: str = "") -> list[str]:
    """Return a line for each wrong key: what is wrong with it."""
    return [_explain_key(details, model, prefix) for details in error.errors()]


def _explain_key(details: ErrorDetails, model: type[BaseModel], prefix: str) -> str:
    parts = [str(part) for part in details["loc"] if part != "[key]"]
    key = prefix + ".".join(parts) if parts else prefix.rstrip(".")  # no key alone is wrong, but several together
    if details["type"] == "extra_forbidden":
        allowed = list(model.model_fields)
        close = difflib.get_close_matches(str(details["loc"][-1]), allowed, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"{key}: unknown key; {hint}allowed: {', '.join(allowed)}"
    if details["type"] == "missing":
        return f"{key}: this key is required and is missing"
    message = TABLES.get(details["type"]) or details["msg"].removeprefix("Value error, ")
    return f"{key}: {message[0].lower()}{message[1:]}; found {_show_value(details['input'])}"


def _show_value(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
