"""Unicode: texts that are not."""

from __future__ import annotations

import pyarrow as pa


def invalid(strings: pa.Array) -> dict[int, str]:
    """Return the rows of a string array that are not valid UTF-8, each with what is wrong.

    Arrow does not look at the bytes when it reads a file, but everything after it relies on them.
    """
    try:
        strings.validate(full=True)
    except pa.ArrowInvalid:
        values = enumerate(strings.cast(pa.large_binary()).to_pylist())
        return {row: problem for row, value in values if value is not None and (problem := _fault(value))}
    return {}


def without(strings: pa.Array, rows: dict[int, str]) -> pa.Array:
    """Return the array with null in these rows."""
    good = [None if row in rows else value for row, value in enumerate(strings.cast(pa.large_binary()).to_pylist())]
    return pa.array(good, pa.large_binary()).cast(strings.type)


def _fault(value: bytes) -> str | None:
    try:
        value.decode()
    except UnicodeDecodeError as error:
        return f"not valid UTF-8 at byte {error.start} ({error.reason})"
    return None
