"""Batches: what a source yields. Its columns, from those of a table or of records; their types; bounded sizes."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from vecmill.errors import ConfigError, SourceError
from vecmill.sanitize import flatten
from vecmill.sources.base import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from vecmill.sources.base import SourceConfig

ROWS = 1_000
BYTES = 8 << 20
OFFSET, LARGE_OFFSET = 4, 8
"""Bytes that say where a value of a string or a list ends."""
COLUMNS = (
    pa.field("id", pa.string()),
    pa.field("text", pa.large_string()),
    pa.field("url", pa.string()),
    pa.field("title", pa.string()),
    pa.field("problem", pa.string()),
)


def schema(keep: Sequence[pa.Field]) -> pa.Schema:
    """Return the schema of a source's batches: its own columns, and the extra ones."""
    return pa.schema([*COLUMNS, *keep])


def split_batch(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Cut a batch so that none holds more than ``ROWS`` rows, nor, but for a single row, ``BYTES``."""
    ends = np.cumsum(row_bytes(batch))
    start = 0
    while start < batch.num_rows:
        before = int(ends[start - 1]) if start else 0
        fits = int(np.searchsorted(ends, before + BYTES, side="right"))
        stop = max(start + 1, min(fits, start + ROWS, batch.num_rows))
        yield batch.slice(start, stop - start)
        start = stop


def row_bytes(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """Return how many bytes the values of each row take, nested ones included."""
    return _sum((_bytes(column) for column in batch.columns), batch.num_rows)


def _sum(columns: Iterable[npt.NDArray[np.int64]], rows: int) -> npt.NDArray[np.int64]:
    total = np.zeros(rows, np.int64)
    for column in columns:
        total += column
    return total


def _bytes(column: pa.Array) -> npt.NDArray[np.int64]:
    kind, rows = column.type, len(column)
    if pt.is_struct(kind):
        return _sum((_bytes(column.field(number)) for number in range(kind.num_fields)), rows)
    if pt.is_list(kind) or pt.is_large_list(kind):
        edges = column.offsets.to_numpy().astype(np.int64)
        ends = _ends(_bytes(column.values.slice(edges[0], edges[-1] - edges[0])))
        return _differences(ends[edges - edges[0]]) + OFFSET
    if pt.is_fixed_size_list(kind):
        width = kind.list_size
        ends = _ends(_bytes(column.values.slice(column.offset * width, rows * width)))
        return _differences(ends[np.arange(rows + 1) * width])
    if pt.is_string(kind) or pt.is_binary(kind) or pt.is_large_string(kind) or pt.is_large_binary(kind):
        lengths: npt.NDArray[np.int64] = pc.fill_null(pc.binary_length(column), 0).to_numpy(zero_copy_only=False)
        return lengths + (LARGE_OFFSET if pt.is_large_string(kind) or pt.is_large_binary(kind) else OFFSET)
    return np.full(rows, -(-column.nbytes // max(1, rows)), np.int64)


def _ends(sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])


def _differences(ends: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return ends[1:] - ends[:-1]


def slice_rows(batches: Iterable[pa.RecordBatch], start: int, stop: int | None) -> Iterator[pa.RecordBatch]:
    """Yield the rows from ``start`` to ``stop``, or the end, of consecutive batches."""
    first = 0
    for batch in batches:
        last = first + batch.num_rows
        begin, end = max(start, first), last if stop is None else min(stop, last)
        if begin < end:
            yield batch.slice(begin - first, end - begin)
        if stop is not None and last >= stop:
            return
        first = last


class Row(NamedTuple):
    """One row of a source's batches.

    Attributes:
        id: Its id, or null.
        text: Its text, or null.
        url: Its URL, or null.
        title: Its title, or null.
        problem: Why it could not be read, or null.
        keep: Values of the extra columns; empty if it could not be read.
        size: About how many bytes it holds.
    """

    id: str | None
    text: str | None = None
    url: str | None = None
    title: str | None = None
    problem: str | None = None
    keep: Sequence[Any] = ()
    size: int = 0


def gather_batches(rows: Iterable[Row], keep: Sequence[pa.Field]) -> Iterator[pa.RecordBatch]:
    """Yield rows in batches of bounded size."""
    pending: list[Row] = []
    size = 0
    for row in rows:
        if pending and (len(pending) == ROWS or size + row.size > BYTES):
            yield _batch(pending, keep)
            pending, size = [], 0
        pending.append(row)
        size += row.size
    if pending:
        yield _batch(pending, keep)


def _batch(rows: Sequence[Row], keep: Sequence[pa.Field]) -> pa.RecordBatch:
    try:
        return _build_batch(rows, keep)
    except pa.ArrowException:
        return _build_batch([_fit_row(row, keep) for row in rows], keep)


def _build_batch(rows: Sequence[Row], keep: Sequence[pa.Field]) -> pa.RecordBatch:
    arrays = [pa.array([getattr(row, field.name) for row in rows], field.type) for field in COLUMNS]
    for index, field in enumerate(keep):
        arrays.append(pa.array([row.keep[index] if row.keep else None for row in rows], field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema(keep))


def _fit_row(row: Row, keep: Sequence[pa.Field]) -> Row:
    """Return a row whose extra values fit, or one with the problem: a large whole number where others are small."""
    for field, value in zip(keep, row.keep, strict=False):
        try:
            pa.array([value], field.type)
        except pa.ArrowException:
            return Row(row.id, problem=f"its {field.name} {value!r} does not fit {field.type}, the type of the column")
    return row


def find_invalid(values: pa.Array) -> dict[int, str]:
    """Return the rows of an array whose strings, at any depth, are not valid UTF-8, each with what is wrong.

    Arrow does not look at the bytes when it reads a file, but everything after it relies on them.
    """
    strings = pt.is_string(values.type) or pt.is_large_string(values.type)
    if (strings or pt.is_nested(values.type)) and not _is_valid(values):
        return _check_strings(values) if strings else _check_nested(values)
    return {}


def null_rows(values: pa.Array, rows: dict[int, str]) -> pa.Array:
    """Return the array with null in these rows."""
    return values.take(pa.array([None if row in rows else row for row in range(len(values))], pa.int64()))


def _is_valid(values: pa.Array) -> bool:
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _check_strings(values: pa.Array) -> dict[int, str]:
    found = enumerate(values.cast(pa.large_binary()).to_pylist())
    return {row: problem for row, value in found if value is not None and (problem := _decode_error(value))}


def _check_nested(values: pa.Array) -> dict[int, str]:
    rows = (row for row in range(len(values)) if not _is_valid(values.take(pa.array([row]))))
    return dict.fromkeys(rows, "not valid UTF-8")


def _decode_error(value: bytes) -> str | None:
    try:
        value.decode()
    except UnicodeDecodeError as error:
        return f"not valid UTF-8 at byte {error.start} ({error.reason})"
    return None


MEANINGFUL = frozenset({"id", "url", "title", "text", "problem"})
"""Columns of a source's batches that have a meaning; the others are extra columns."""


def extra_fields(schema: pa.Schema) -> list[pa.Field]:
    """Return the extra columns of a source's batches, with the types they get in the dataset."""
    return [pa.field(field.name, plain_type(field.type)) for field in schema if field.name not in MEANINGFUL]


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type that an extra column gets in the dataset.

    How a file happens to hold a column is left out: dictionaries, views, what is never null in this file alone. A
    map becomes a list of pairs, and an extension what it is stored as, for ``datasets`` reads neither.
    """
    if pt.is_dictionary(kind):
        return plain_type(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return plain_type(kind.storage_type)
    if pt.is_struct(kind):
        return pa.struct([pa.field(field.name, plain_type(field.type)) for field in kind.fields])
    if pt.is_map(kind):
        return pa.list_(pa.struct([("key", plain_type(kind.key_type)), ("value", plain_type(kind.item_type))]))
    return _list_type(kind) if pt.is_nested(kind) else _SIMPLE.get(kind, kind)


def _list_type(kind: pa.DataType) -> pa.DataType:
    if not hasattr(kind, "value_type"):
        return kind
    element = pa.field("element", plain_type(kind.value_type))
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


class Projection:
    """Which column of a table is our ``id``, ``text``, ``url`` and ``title``, and which are extra columns.

    Attributes:
        table: The table's schema.
        roles: Our names, each with the table's name for it; without those the table does not have.
        keep: The extra columns, with their types.
    """

    def __init__(self, config: SourceConfig, table: pa.Schema, label: str) -> None:
        """Match the options with a table's schema.

        Args:
            config: The options.
            table: The schema.
            label: The table's name, for messages.

        Raises:
            ConfigError: A column is missing, there twice, or of a type it cannot be.
        """
        self.table = table
        self._label = label
        self.roles: dict[str, str] = {
            role: name for role in ROLES if (name := self._find(role, config.columns.get(role)))
        }
        self.keep = [self._field(name, "keep") for name in config.keep]
        self._extra = extra_fields(pa.schema(self.keep))
        for role, name in self.roles.items():
            self._check_type(role, table.field(name))

    @property
    def names(self) -> list[str]:
        """The table's columns to read, each once."""
        return list(dict.fromkeys([*self.roles.values(), *(field.name for field in self.keep)]))

    @property
    def numbered(self) -> bool:
        """Whether there is no id column, so that a document's id is its number in the source."""
        return "id" not in self.roles

    def agree(self, other: Projection) -> None:
        """Make sure that two tables of a source give the same columns, so that the dataset has one schema.

        Raises:
            ConfigError: They do not.
        """
        for mine, theirs in zip(self.keep, other.keep, strict=True):
            if plain_type(mine.type) != plain_type(theirs.type):
                raise ConfigError(
                    f"keep cannot carry the column {mine.name!r}: it holds {mine.type} in {self._label}, "
                    f"but {theirs.type} in {other._label}: make them the same"
                )
        if self.numbered != other.numbered:
            raise ConfigError(
                f"only one of {self._label} and {other._label} has an id column: give both one, "
                'or number the rows of all files with columns = { id = "" }'
            )

    def apply(self, rows: pa.RecordBatch, first: int, prefix: str = "") -> pa.RecordBatch:
        """Return rows in a source's columns.

        Args:
            rows: Rows of the table, at least its columns ``names``.
            first: Number of the first row in the whole source.
            prefix: What to put before the numbers of rows without an id.
        """
        arrays = [self._role(rows, field) for field in COLUMNS]
        if self.numbered:
            arrays[0] = pa.array([f"{prefix}{first + row}" for row in range(rows.num_rows)], pa.string())
        arrays += [rows.column(field.name).cast(field.type) for field in self._extra]
        return _flag_invalid(pa.RecordBatch.from_arrays(arrays, schema=schema(self._extra)))

    def _role(self, rows: pa.RecordBatch, field: pa.Field) -> pa.Array:
        if field.name not in self.roles:
            return pa.nulls(rows.num_rows, field.type)
        return rows.column(self.roles[field.name]).cast(field.type)

    def _find(self, role: str, wanted: str | None) -> str | None:
        if wanted is None and role != "text" and role not in self.table.names:
            return None
        if wanted == "":
            return None
        return str(self._field(wanted or role, role).name)

    def _field(self, name: str, option: str) -> pa.Field:
        count = self.table.names.count(name)
        if count == 1:
            return self.table.field(name)
        if count:
            raise ConfigError(f"{self._label} has {count} columns named {name!r}: rename all but one of them")
        raise ConfigError(describe_missing(self._label, name, option, self.table.names))

    def _check_type(self, role: str, field: pa.Field) -> None:
        if _suits(role, field.type):
            return
        wanted = "strings" if role == "text" else "strings or whole numbers"
        advice = f'name another with columns = {{ {role} = "..." }}'
        if role != "text":
            advice += f', or leave it out with columns = {{ {role} = "" }}'
        raise ConfigError(
            f"the {role} column {field.name!r} of {self._label} holds {field.type}, not {wanted}: {advice}"
        )


def describe_missing(label: str, name: str, option: str, have: list[str]) -> str:
    """Say that a column is not there, which ones are, and how to name another."""
    advice = "take it out of keep" if option == "keep" else f'name another with columns = {{ {option} = "..." }}'
    return f"{label} has no column {name!r}; it has {', '.join(map(_show_name, have)) or 'none'}: {advice}"


def _show_name(name: str) -> str:
    """Return a name as it is, if it can be seen that it is so."""
    return name if name and name.isprintable() and name == name.strip() else repr(name)


def _suits(role: str, kind: pa.DataType) -> bool:
    if pt.is_dictionary(kind):
        return _suits("text", kind.value_type)
    if pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind):
        return True
    return (role != "text" and pt.is_integer(kind)) or (role in {"url", "title"} and pt.is_null(kind))


def _flag_invalid(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Null what is not valid Unicode, and say so in ``problem``."""
    problems: dict[int, str] = {}
    for index, field in enumerate(batch.schema):
        if found_invalid := find_invalid(batch.column(index)):
            batch = batch.set_column(index, field, null_rows(batch.column(index), found_invalid))
            problems = {row: f"its {field.name} is {error}" for row, error in found_invalid.items()} | problems
    if problems:
        column = pa.array([problems.get(row) for row in range(batch.num_rows)], pa.string())
        batch = batch.set_column(batch.schema.get_field_index("problem"), "problem", column)
    return batch


@contextmanager
def translate_errors(problem: str) -> Iterator[None]:
    """Turn Arrow's errors into a SourceError.

    Args:
        problem: Which file is damaged, and where.
    """
    try:
        yield
    except pa.ArrowException as error:
        raise SourceError(f"{problem}: replace the file ({flatten(str(error))})") from error
    except OSError as error:
        # Arrow's own I/O errors are plain; a subclass comes from the file object, such as a lost connection.
        if type(error) is not OSError:
            raise
        raise SourceError(f"{problem}: replace the file ({flatten(str(error))})") from error
