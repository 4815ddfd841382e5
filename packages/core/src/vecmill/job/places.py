"""Places: where the parts of a run are on this machine, which is left out of what others may read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import PurePath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from vecmill.records.places import SOMEWHERE

if TYPE_CHECKING:
    from collections.abc import Callable

    from vecmill.protocols import Component

DIGITS = 8
"""Of the hash by which two paths are told apart."""
_PRIVATE = re.compile(r"[/\\~]|\.\.(?:[/\\]|$)|[A-Za-z]:[/\\]")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def places(part: Component[Any]) -> frozenset[str]:
    """Return the options that say where things are: those in ``location``, and those that hold a ``pathlib`` path."""
    return part.location | paths(part.config)


def paths(config: BaseModel) -> frozenset[str]:
    """Return the options that hold a ``pathlib`` path, at any depth."""
    return frozenset(key for key, value in config if _holds_path(value))


def _holds_path(value: object) -> bool:
    if isinstance(value, BaseModel):
        return bool(paths(value))
    if isinstance(value, Mapping):
        return any(map(_holds_path, value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_holds_path, value))
    return isinstance(value, PurePath)


def hidden(options: Mapping[str, Any], places: frozenset[str]) -> dict[str, Any]:
    """Return those options, of the ones that say where things are, of which others may not read all."""
    return {key: options[key] for key in options if key in places and told(options[key]) != options[key]}


def told(value: Any) -> Any:  # noqa: ANN401 - an option is anything that JSON holds
    """Return what others may read of a place: of a path its last part, of an address nothing.

    A path below the folder in which the command was given stays, and so does a model's id on the Hub.
    """
    return _each(value, lambda text: None if _ADDRESS.match(text) else _last(text))


def distinct(value: Any) -> Any:  # noqa: ANN401 - (the same)
    """Return what others may read of a place, with a hash where that is not all: another place, another value."""
    return _each(value, lambda text: text if told(text) == text else f"{told(text) or ''}#{_hash(text)}")


def without_folders(value: Any) -> Any:  # noqa: ANN401 - (the same)
    """Return a path that leads anywhere on this machine without the folders it is in; anything else as it is."""
    return _each(value, _last)


def _each(value: Any, change: Callable[[str], str | None]) -> Any:  # noqa: ANN401 - (the same)
    if isinstance(value, list):
        return [_each(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _each(item, change) for key, item in value.items()}
    return change(value) if isinstance(value, str) else value


def _last(text: str) -> str:
    # Windows' rules take both kinds of slashes.
    return SOMEWHERE + PureWindowsPath(text).name if _PRIVATE.match(text) else text


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]
