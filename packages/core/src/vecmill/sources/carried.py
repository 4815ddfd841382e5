"""Carried: source columns that go along into a dataset, in types that all its readers know."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.types as pt

if TYPE_CHECKING:
    from collections.abc import Iterable

OWN = frozenset({"id", "url", "title", "text", "problem"})
"""Columns of a source that are not carried along but read."""


def carried(schema: pa.Schema) -> list[pa.Field]:
    """Return the columns of a source's batches that are carried along, with the types they get in the dataset."""
    return [pa.field(field.name, plain(field.type)) for field in schema if field.name not in OWN]


def plain(kind: pa.DataType) -> pa.DataType:
    """Return the type in which a column is carried along.

    How a file happens to hold a column is left out: dictionaries, views, what is never null in this file alone. A
    map becomes a list of pairs, and an extension what it is stored as, for ``datasets`` reads neither.
    """
    if pt.is_dictionary(kind):
        return plain(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return plain(kind.storage_type)
    if pt.is_struct(kind):
        return pa.struct([pa.field(field.name, plain(field.type)) for field in kind.fields])
    if pt.is_map(kind):
        return pa.list_(pa.struct([("key", plain(kind.key_type)), ("value", plain(kind.item_type))]))
    return _list(kind) if pt.is_nested(kind) else _SIMPLE.get(kind, kind)


def _list(kind: pa.DataType) -> pa.DataType:
    if not hasattr(kind, "value_type"):
        return kind
    element = pa.field("element", plain(kind.value_type))
    if pt.is_fixed_size_list(kind):
        return pa.list_(element, kind.list_size)
    return pa.large_list(element) if pt.is_large_list(kind) else pa.list_(element)


_SIMPLE = {pa.null(): pa.string(), pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}


def dump(fields: Iterable[pa.Field]) -> str:
    """Return columns as a string, which may travel in JSON; an empty one for none."""
    schema = pa.schema(fields)
    return base64.b64encode(schema.serialize()).decode() if schema.names else ""


def load(dumped: str) -> list[pa.Field]:
    """Return what was dumped."""
    return list(pa.ipc.read_schema(pa.py_buffer(base64.b64decode(dumped)))) if dumped else []
