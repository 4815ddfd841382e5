"""Types: Arrow types of JSON columns that are carried along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from vecmill.errors import ConfigError
from vecmill.sources.carried import plain
from vecmill.sources.columns import missing
from vecmill.sources.json_text import unicode

if TYPE_CHECKING:
    from collections.abc import Sequence


DEEPEST = 32
"""Levels of lists and objects; Arrow itself cannot write a hundred of them to a file."""


class Types:
    """Finds a type for each column that fits all rows it is shown."""

    def __init__(self, keep: Sequence[str]) -> None:
        self._known: dict[str, pa.DataType] = {}
        self._keep = keep
        self._keys: dict[str, None] = {}

    def add(self, rows: Sequence[dict[str, Any]], place: str) -> None:
        """Take note of rows.

        Raises:
            ConfigError: No type fits these rows and those before.
        """
        self._keys.update(dict.fromkeys(key for row in rows for key in row))
        for name in self._keep:
            values = [row[name] for row in rows if name in row]
            try:
                found = pa.schema([(name, _inferred(values))])
                before = pa.schema([(name, self._known.get(name, pa.null()))])
                self._known[name] = pa.unify_schemas([before, found], promote_options="permissive").field(0).type
            except (pa.ArrowException, OverflowError) as error:
                told = f"keep cannot carry the column {name!r}, because no one type fits its values in {place}"
                raise ConfigError(f"{told} ({error}). Take it out of keep, or make its values alike.") from error

    def fields(self, place: str) -> list[pa.Field]:
        """Return the columns with their types.

        Raises:
            ConfigError: No row has such a column, or it is nested too deeply.
        """
        for name in self._keep:
            if name not in self._keys:
                raise ConfigError(missing(place, name, "keep", list(self._keys)))
        for name in self._keep:
            if not _is_flat(self._known[name], DEEPEST):
                told = f"keep cannot carry the column {name!r}: in {place} it is nested more than {DEEPEST} levels deep"
                raise ConfigError(f"{told}. Take it out of keep.")
        return [pa.field(name, plain(self._known[name])) for name in self._keep]


def _inferred(values: list[Any]) -> pa.DataType:
    try:
        return pa.array(values).type
    except UnicodeEncodeError:
        return pa.array([value for value in values if unicode(value)]).type


def _is_flat(kind: pa.DataType, levels: int) -> bool:
    inner = (kind.field(index).type for index in range(kind.num_fields))
    return levels > 0 and all(_is_flat(each, levels - 1) for each in inner)
