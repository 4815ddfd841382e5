"""JsonlFormat: files with a JSON object on each line, and the columns and types that these have."""

from __future__ import annotations

import json
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import pyarrow as pa

from vecmill.errors import ConfigError, SourceError
from vecmill.sources.base import ROLES, RowRange, SourceConfig
from vecmill.sources.batches import Row, describe_missing, dump, gather_batches, load, plain_type
from vecmill.sources.text import Line, TextFormat, endings, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from vecmill.files import File
    from vecmill.records import Partition


class JsonlFormat(TextFormat[SourceConfig, Line]):
    """JSON Lines, plain or compressed."""

    suffixes = (*endings(".jsonl"), *endings(".ndjson"))

    def read(self, partition: Partition) -> Iterator[pa.RecordBatch]:
        """Yield the documents of a partition."""
        shape = Shape.load(partition.where["shape"])
        reader = _RowReader(self.config, shape)
        rows = (reader.read_row(*found) for found in self.locate_records(RowRange.of(partition)))
        return gather_batches(rows, shape.keep)

    def records(self, file: File, start: int = 0, line: int = 1) -> Iterator[Line]:
        """Yield the lines of a file that are not blank.

        Raises:
            SourceError: The last line breaks off in the middle.
        """
        for found in read_lines(file, start, line):
            if not found.data.isspace():
                if not found.data.endswith(b"\n"):
                    _check_complete(file, found)
                yield found

    def extra(self) -> dict[str, Any]:
        """Return the columns and their types, for a worker sees a part of the lines alone."""
        return {"shape": self._shape.dump()}

    @cached_property
    def _shape(self) -> Shape:
        found = ((file, line) for file in self.files for line in self.scan_records(file))
        return discover(islice(found, self.config.limit), self.config)


def _check_complete(file: File, last: Line) -> None:
    try:
        parse(last.data)
    except NotJsonError as error:
        raise SourceError(
            f"{file} breaks off in line {last.line}, which {error}; the file is truncated, or not one of JSON Lines: "
            "get it again, or remove its last line"
        ) from error


class RowError(ValueError):
    """A row cannot be a document; the message goes on after "line 12"."""


class _Fields(NamedTuple):
    """A JSON object, whether all its strings are sure to be valid Unicode, and its line."""

    values: dict[str, Any]
    sure: bool
    data: bytes

    def get(self, key: str) -> Any:  # noqa: ANN401 (JSON is anything)
        """Return a value, null if there is none.

        Raises:
            RowError: It holds what is not Unicode.
        """
        value = self.values.get(key)
        if not self.sure and not unicode(value):
            raise RowError(f"has a lone surrogate in its {key!r}, which is not valid Unicode")
        return value


class _RowReader:
    """Reads lines by the source's options and the shape found when planning."""

    def __init__(self, config: SourceConfig, shape: Shape) -> None:
        self._keys: dict[str, str] = {role: config.columns.get(role, role) for role in ROLES}
        self._shape = shape

    def read_row(self, file: File, line: Line, number: int) -> Row:
        """Return a line as a document; if it cannot be one, with the problem.

        Args:
            file: The line's file.
            line: The line.
            number: The document's number in the source.
        """
        name: str | None = f"{file.name}:{line.line}"
        try:
            fields = _parse_fields(line.data)
            name = self._id(fields, number)
            text, url, title = (self._string(fields, role) for role in ("text", "url", "title"))
            keep = [fields.get(field.name) for field in self._shape.keep]
        except (NotJsonError, RowError) as error:
            return Row(name, problem=f"{file.name} line {line.line} {error}")
        return Row(name, text, url, title, None, keep, len(line.data))

    def _id(self, fields: _Fields, number: int) -> str | None:
        found = self._string(fields, "id")
        return str(number) if found is None and self._shape.numbered else found

    def _string(self, fields: _Fields, role: str) -> str | None:
        value = fields.get(self._keys[role]) if self._keys[role] else None
        if value is None or isinstance(value, str):
            return value
        if role != "text" and _is_wide(value):
            value = _parse_slowly(fields.data)[self._keys[role]]
        if role != "text" and type(value) is int:
            return str(value)
        raise RowError(f"has {kind(value)} as its {role}, not a string{'' if role == 'text' else ' or a whole number'}")


def _parse_fields(data: bytes) -> _Fields:
    values, sure = parse(data)
    if not isinstance(values, dict):
        raise RowError(f"holds {kind(values)}, not an object")
    return _Fields(values, sure, data)


class NotJsonError(ValueError):
    """A line is not JSON; the message goes on after "line 12"."""


def parse(data: bytes) -> tuple[Any, bool]:
    """Read a line of JSON.

    Returns:
        The value, and whether all strings in it are certainly valid Unicode.

    Raises:
        NotJsonError: It is not JSON.
    """
    try:
        return orjson.loads(data), True
    except orjson.JSONDecodeError:
        # The slow parser takes what the fast one does not (lone surrogates, NaN), and says more exactly what is wrong.
        return _parse_slowly(data), False


WIDE = 2.0**63
"""From here on the fast parser may have made a float of a whole number beyond 64 bits, without its last digits."""


def _is_wide(value: object) -> bool:
    """Return whether a value is, or holds, a number that may be a whole one of more than 64 bits."""
    if type(value) is float or type(value) is int:
        return abs(value) >= WIDE
    if isinstance(value, dict):
        return any(map(_is_wide, value.values()))
    if isinstance(value, list):
        try:
            return max(map(abs, value), default=0) >= WIDE  # a vector, say
        except TypeError:
            return any(map(_is_wide, value))
    return False


def _find_wide_integer(value: object) -> int | None:
    """Return a whole number of more than 64 bits in a value that was parsed exactly."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return next((found for found in map(_find_wide_integer, inner) if found is not None), None)
    return value if type(value) is int and not -(1 << 63) <= value < 1 << 64 else None


def kind(value: object) -> str:
    """Name a JSON value's type."""
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), "null")


def unicode(value: object) -> bool:
    """Whether all strings in a value are valid Unicode: a lone surrogate, which JSON can write, is not."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _parse_slowly(data: bytes) -> Any:  # noqa: ANN401 (JSON is anything)
    try:
        return json.loads(data.decode("utf-8", "surrogatepass").rstrip())
    except json.JSONDecodeError as error:
        raise NotJsonError(f"is not valid JSON: {error.msg} at character {error.pos + 1}") from error
    except UnicodeDecodeError as error:
        raise NotJsonError(f"is not valid UTF-8: {error.reason} at byte {error.start + 1}") from error
    except (ValueError, RecursionError) as error:
        raise NotJsonError(f"is not valid JSON: {error}") from error


DEEPEST = 32
"""Levels of lists and objects; Arrow itself cannot write a hundred of them to a file."""


class Types:
    """Finds a type for each column that fits all rows it is shown."""

    def __init__(self, keep: Sequence[str]) -> None:
        self._known: dict[str, pa.DataType] = {}
        self._keep = keep
        self._keys: dict[str, None] = {}

    def add(self, rows: Sequence[dict[str, Any]], label: str) -> None:
        """Take note of rows.

        Raises:
            ConfigError: No type fits these rows and those before.
        """
        self._keys.update(dict.fromkeys(key for row in rows for key in row))
        for name in self._keep:
            values = [row[name] for row in rows if name in row]
            try:
                found = pa.schema([(name, _infer_type(values))])
                before = pa.schema([(name, self._known.get(name, pa.null()))])
                self._known[name] = pa.unify_schemas([before, found], promote_options="permissive").field(0).type
            except (pa.ArrowException, OverflowError) as error:
                raise ConfigError(
                    f"keep cannot carry the column {name!r}, because no one type fits its values in {label} ({error}): "
                    "take it out of keep, or make its values alike"
                ) from error

    def fields(self, label: str) -> list[pa.Field]:
        """Return the columns with their types.

        Raises:
            ConfigError: No row has such a column, or it is nested too deeply.
        """
        for name in self._keep:
            if name not in self._keys:
                raise ConfigError(describe_missing(label, name, "keep", list(self._keys)))
        for name in self._keep:
            if not _is_flat(self._known[name], DEEPEST):
                raise ConfigError(
                    f"keep cannot carry the column {name!r}: in {label} it is nested more than {DEEPEST} levels deep: "
                    "take it out of keep"
                )
        return [pa.field(name, plain_type(self._known[name])) for name in self._keep]


def _infer_type(values: list[Any]) -> pa.DataType:
    try:
        return pa.array(values).type
    except UnicodeEncodeError:
        return pa.array([value for value in values if unicode(value)]).type


def _is_flat(kind: pa.DataType, levels: int) -> bool:
    inner = (kind.field(index).type for index in range(kind.num_fields))
    return levels > 0 and all(_is_flat(each, levels - 1) for each in inner)


SAMPLE = 1_000
ADVICE = 'the jsonl source reads files with one JSON object on each line, such as {"id": "1", "text": "…"}'


class Shape(NamedTuple):
    """What a worker must know of rows it does not read.

    Attributes:
        numbered: Whether rows have no id, so that a document's id is its number in the source.
        keep: The extra columns, with types that fit all rows.
    """

    numbered: bool
    keep: Sequence[pa.Field]

    def dump(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"numbered": self.numbered, "keep": dump(self.keep)}

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> Shape:
        """Return what was dumped."""
        return cls(dumped["numbered"], load(dumped["keep"]))


def discover(found: Iterator[tuple[File, Line]], config: SourceConfig) -> Shape:
    """Find the shape of rows: from the first ``SAMPLE`` of them, or from all if there are columns to type.

    Raises:
        ConfigError: The rows have no such text, or an extra column has no type.
        SourceError: These are no JSON objects.
    """
    sample = list(islice(found, SAMPLE))
    if not sample:
        return Shape(numbered=True, keep=[])
    objects = _objects(sample, config.keep)
    label = str(sample[0][0])
    if not objects:
        raise SourceError(f"{label} line {sample[0][1].line} {_describe_problem(sample[0][1])}: {ADVICE}")
    keys = list(dict.fromkeys(key for row in objects for key in row))
    for role, key in {"text": "text", **config.columns}.items():
        if key and key not in keys:
            raise ConfigError(describe_missing(label, key, role, keys))
    _check_text(objects, config.columns.get("text", "text"), label)
    key = config.columns.get("id", "id")
    return Shape(not key or key not in keys, _types(objects, found, config.keep, label))


def _objects(found: Iterable[tuple[File, Line]], keep: Sequence[str]) -> list[dict[str, Any]]:
    """Return the objects in lines; those that are none are left out.

    Raises:
        ConfigError: One has a whole number of more than 64 bits in an extra column.
    """
    rows = []
    for file, line in found:
        try:
            row, _ = parse(line.data)
        except NotJsonError:
            continue
        if isinstance(row, dict):
            for name in keep:
                if _is_wide(row.get(name)):
                    _check_exact(name, file, line)
            rows.append(row)
    return rows


def _check_exact(name: str, file: File, line: Line) -> None:
    found = _find_wide_integer(_parse_slowly(line.data)[name])
    if found is not None:
        raise ConfigError(
            f"keep cannot carry the column {name!r}: {file} line {line.line} has the whole number {found} there, which "
            "is beyond 64 bits and would lose digits: write it as a string, or take it out of keep"
        )


def _describe_problem(line: Line) -> str:
    try:
        row, _ = parse(line.data)
    except NotJsonError as error:
        return str(error)
    return f"holds {kind(row)}, not an object"


def _check_text(rows: list[dict[str, Any]], key: str, label: str) -> None:
    kinds = {kind(row[key]) for row in rows if row.get(key) is not None}
    if kinds and "a string" not in kinds:
        advice = 'name another with columns = { text = "..." }'
        raise ConfigError(
            f"the text column {key!r} of {label} holds {' or '.join(sorted(kinds))}, not strings: {advice}"
        )


def _types(
    sample: list[dict[str, Any]], rest: Iterator[tuple[File, Line]], keep: list[str], label: str
) -> list[pa.Field]:
    types = Types(keep)
    types.add(sample, label)
    if keep:
        for found in iter(lambda: list(islice(rest, SAMPLE)), []):
            types.add(_objects(found, keep), str(found[0][0]))
    return types.fields(label)
