"""Features: the columns as ``datasets`` describes them in a card."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

VECTOR = "embedding"
_RENAMED = {
    "double": "float64",
    "float": "float32",
    "halffloat": "float16",
    "date32[day]": "date32",
    "date64[ms]": "date64",
}
_SAME = re.compile(
    r"u?int(?:8|16|32|64)|bool|(?:large_)?(?:string|binary)|(?:timestamp|time32|time64|duration)\[.*\]|decimal\d+\(.*\)"
)
_LIST = re.compile(r"list<\w+: ([^<>]*?)(?: not null)?>")


def features(columns: Mapping[str, str], dimension: int, variant: str = "") -> list[dict[str, Any]]:
    """Return what ``datasets`` would write itself, so that readers know the columns, and the width, without a file.

    Args:
        columns: Names and Arrow types; none if they are not known.
        dimension: Width of a vector.
        variant: The kind of smaller vectors; empty for the whole ones.

    Returns:
        Nothing, if a column has a type that cannot be described; then the Parquet files tell.
    """
    found = [_feature(name, type_, dimension, variant or "float32") for name, type_ in columns.items()]
    if variant == "int8":
        found.append({"name": "scale", "dtype": "float32"})
    return [feature for feature in found if feature] if columns and all(found) else []


def _feature(name: str, type_: str, dimension: int, number: str) -> dict[str, Any] | None:
    if name == VECTOR:
        # A reader goes by the first key after the name: the list comes before its length.
        return {"name": name, "list": number, "length": dimension}
    if (inner := _LIST.fullmatch(type_)) and (dtype := _dtype(inner[1])):
        return {"name": name, "list": dtype}
    dtype = _dtype(type_)
    return {"name": name, "dtype": dtype} if dtype else None


def _dtype(type_: str) -> str | None:
    return _RENAMED.get(type_) or (type_ if _SAME.fullmatch(type_) else None)
