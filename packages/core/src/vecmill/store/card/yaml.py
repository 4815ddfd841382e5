"""YAML for front matter: mappings and lists in blocks, every text in quotes, as JSON writes it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from vecmill.display import UNSAFE

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNREADABLE = re.compile(f"[{UNSAFE}\ufeff\ufffe\uffff]")


_NO_TEXT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""Words that YAML takes for something else, as keys too."""


def dump(value: dict[str, Any]) -> str:
    """Return a mapping of plain values as YAML."""
    return "".join(f"{line}\n" for line in _mapping(value))


def _mapping(value: dict[str, Any]) -> Iterator[str]:
    for key, item in value.items():
        name = json.dumps(key) if key in _NO_TEXT else key
        if isinstance(item, dict):
            yield f"{name}:"
            yield from (f"  {line}" for line in _mapping(item))
        elif isinstance(item, list) and item:
            yield f"{name}:"
            yield from _list(item)
        else:
            yield f"{name}: {_scalar(item)}"


def _list(value: list[Any]) -> Iterator[str]:
    for item in value:
        lines = _mapping(item) if isinstance(item, dict) else iter([_scalar(item)])
        yield f"- {next(lines)}"
        yield from (f"  {line}" for line in lines)


def _scalar(value: object) -> str:
    # JSON's escapes mean the same in YAML, but for characters outside the basic plane, which JSON cuts in two:
    # so only what YAML does not take as it is gets escaped.
    return _UNREADABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
