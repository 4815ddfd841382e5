"""Overrides: ``--set source.limit=100`` changes one key of a job."""

from __future__ import annotations

import copy
import tomllib
from typing import TYPE_CHECKING, Any

from vecmill.errors import ConfigError
from vecmill.expand import writable_down

if TYPE_CHECKING:
    from collections.abc import Iterable


EXAMPLES = {"--set": "source.limit=100", "--embedder": "url=http://127.0.0.1:8080"}


def apply(keys: dict[str, Any], overrides: Iterable[str], option: str = "--set") -> dict[str, Any]:
    """Return the job's keys with each ``a.b=value`` put in; lists are addressed by number, ``publish.0.path``.

    Args:
        keys: The job's.
        overrides: Each as it was written.
        option: The option of the command line that they were written with, for messages.

    Raises:
        ConfigError: An override is not of that form or not UTF-8, or goes through something that is no table.
    """
    keys = copy.deepcopy(keys)
    for override in overrides:
        path, equals, value = writable_down(override).partition("=")
        if not equals or not all(path.split(".")):
            raise ConfigError(f"{option} {override}: write it as key=value, such as {EXAMPLES[option]}")
        _put(keys, path.strip().split("."), _value(value.strip()), f"{option} {override}")
    return keys


def _put(table: Any, path: list[str], value: object, override: str) -> None:  # noqa: ANN401 - TOML nests as it likes
    *parents, last = path
    try:
        for part in parents:
            table = table[int(part)] if isinstance(table, list) else table.setdefault(part, {})
        table[int(last) if isinstance(table, list) else last] = value
    except (ValueError, IndexError, TypeError, AttributeError):
        raise ConfigError(
            f"{override}: there is no such place in the job; lists take a number, such as publish.0.path"
        ) from None


def _value(text: str) -> object:
    """Read a value as TOML would; what TOML does not know is a string."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # (a number or a nest too large for Python is none that TOML knows)
        return text
