"""Unicode: texts that are not."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.types as pt


def invalid(values: pa.Array) -> dict[int, str]:
    """Return the rows of an array whose strings, at any depth, are not valid UTF-8, each with what is wrong.

    Arrow does not look at the bytes when it reads a file, but everything after it relies on them.
    """
    strings = pt.is_string(values.type) or pt.is_large_string(values.type)
    if (strings or pt.is_nested(values.type)) and not _is_valid(values):
        return _strings(values) if strings else _nested(values)
    return {}


def without(values: pa.Array, rows: dict[int, str]) -> pa.Array:
    """Return the array with null in these rows."""
    return values.take(pa.array([None if row in rows else row for row in range(len(values))], pa.int64()))


def _is_valid(values: pa.Array) -> bool:
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _strings(values: pa.Array) -> dict[int, str]:
    found = enumerate(values.cast(pa.large_binary()).to_pylist())
    return {row: problem for row, value in found if value is not None and (problem := _fault(value))}


def _nested(values: pa.Array) -> dict[int, str]:
    rows = (row for row in range(len(values)) if not _is_valid(values.take(pa.array([row]))))
    return dict.fromkeys(rows, "not valid UTF-8")


def _fault(value: bytes) -> str | None:
    try:
        value.decode()
    except UnicodeDecodeError as error:
        return f"not valid UTF-8 at byte {error.start} ({error.reason})"
    return None
