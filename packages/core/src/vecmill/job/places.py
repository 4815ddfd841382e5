"""Places: where the parts of a run are on this machine, which is left out of what others may read."""

from __future__ import annotations

import re
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SOMEWHERE = ".../"
"""Stands for the folders that a file or a folder is in."""
_PRIVATE = re.compile(r"[/\\~]|\.\.(?:[/\\]|$)|[A-Za-z]:[/\\]")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def hidden(options: Mapping[str, Any], location: frozenset[str]) -> dict[str, Any]:
    """Return those options, of the ones that say where things are, of which others may not read all."""
    return {key: options[key] for key in options if key in location and told(options[key]) != options[key]}


def told(value: Any) -> Any:  # noqa: ANN401 - an option is anything that JSON holds
    """Return what others may read of a place: of a path its last part, of an address nothing.

    A path below the folder in which the command was given stays, and so does a model's id on the Hub.
    """
    if isinstance(value, list):
        return [told(item) for item in value]
    if not isinstance(value, str):
        return value
    if _ADDRESS.match(value):
        return None
    # Windows' rules take both kinds of slashes.
    return SOMEWHERE + PureWindowsPath(value).name if _PRIVATE.match(value) else value
