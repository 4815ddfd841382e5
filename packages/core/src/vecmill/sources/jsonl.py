"""JsonlFormat: files with a JSON object on each line."""

from __future__ import annotations

from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from vecmill.errors import SourceError
from vecmill.sources.base import ROLES, SourceConfig
from vecmill.sources.batches import Row, gather_batches
from vecmill.sources.json_schema import NotJsonError, Shape, discover, kind, parse, unicode
from vecmill.sources.partitions import RowRange
from vecmill.sources.text import Line, TextFormat, endings, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

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
            f"{file} breaks off in line {last.line}, which {error}. The file is truncated, or not one of JSON Lines: "
            "get it again, or remove its last line."
        ) from error


class RowError(ValueError):
    """A row cannot be a document; the message goes on after "line 12"."""


class _Fields(NamedTuple):
    """A JSON object, and whether all its strings are sure to be valid Unicode."""

    values: dict[str, Any]
    sure: bool

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
        if role != "text" and type(value) is int:
            return str(value)
        raise RowError(f"has {kind(value)} as its {role}, not a string{'' if role == 'text' else ' or a whole number'}")


def _parse_fields(data: bytes) -> _Fields:
    values, sure = parse(data)
    if not isinstance(values, dict):
        raise RowError(f"holds {kind(values)}, not an object")
    return _Fields(values, sure)
