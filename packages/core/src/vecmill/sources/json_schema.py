"""JSON schema: the columns and types of JSON Lines, from every record."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import pyarrow as pa

from vecmill.errors import ConfigError, SourceError
from vecmill.sources.columns import dump, load, missing, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from vecmill.sources.files import File
    from vecmill.sources.lines import Line
    from vecmill.sources.options import SourceConfig


class NotJsonError(ValueError):
    """A line is not JSON; the message goes on after "line 12"."""


def parse(data: bytes) -> tuple[Any, bool]:
    """Read a line of JSON.

    Returns:
        The value, and whether all strings in it are sure to be valid Unicode.

    Raises:
        NotJsonError: It is not JSON.
    """
    try:
        return orjson.loads(data), True
    except orjson.JSONDecodeError:
        # The slow parser takes what the fast one does not (lone surrogates, NaN), and says more exactly what is wrong.
        return _patiently(data), False


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


def _patiently(data: bytes) -> Any:  # noqa: ANN401 (JSON is anything)
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

    def add(self, rows: Sequence[dict[str, Any]], place: str) -> None:
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


def _infer_type(values: list[Any]) -> pa.DataType:
    try:
        return pa.array(values).type
    except UnicodeEncodeError:
        return pa.array([value for value in values if unicode(value)]).type


def _is_flat(kind: pa.DataType, levels: int) -> bool:
    inner = (kind.field(index).type for index in range(kind.num_fields))
    return levels > 0 and all(_is_flat(each, levels - 1) for each in inner)


SAMPLE = 1_000
ADVICE = 'The jsonl source reads files with one JSON object on each line, such as {"id": "1", "text": "…"}.'


class Shape(NamedTuple):
    """What a worker must know of rows it does not read.

    Attributes:
        numbered: Whether rows have no id, so that a document's id is its number in the source.
        keep: The columns carried along, with types that fit all rows.
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
        ConfigError: The rows have no such text, or a column cannot be carried along.
        SourceError: These are no JSON objects.
    """
    sample = list(islice(found, SAMPLE))
    if not sample:
        return Shape(numbered=True, keep=[])
    objects = _objects(sample)
    place = str(sample[0][0].path)
    if not objects:
        raise SourceError(f"{place} line {sample[0][1].line} {_fault(sample[0][1])}. {ADVICE}")
    keys = list(dict.fromkeys(key for row in objects for key in row))
    for role, key in {"text": "text", **config.columns}.items():
        if key and key not in keys:
            raise ConfigError(missing(place, key, role, keys))
    _check_text(objects, config.columns.get("text", "text"), place)
    key = config.columns.get("id", "id")
    return Shape(not key or key not in keys, _types(objects, found, config.keep, place))


def _objects(found: Iterable[tuple[File, Line]]) -> list[dict[str, Any]]:
    rows = []
    for _, line in found:
        try:
            row, _ = parse(line.data)
        except NotJsonError:
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows


def _fault(line: Line) -> str:
    try:
        row, _ = parse(line.data)
    except NotJsonError as error:
        return str(error)
    return f"holds {kind(row)}, not an object"


def _check_text(rows: list[dict[str, Any]], key: str, place: str) -> None:
    kinds = {kind(row[key]) for row in rows if row.get(key) is not None}
    if kinds and "a string" not in kinds:
        advice = 'Name another with columns = { text = "..." }.'
        raise ConfigError(
            f"The text column {key!r} of {place} holds {' or '.join(sorted(kinds))}, not strings. {advice}"
        )


def _types(
    sample: list[dict[str, Any]], rest: Iterator[tuple[File, Line]], keep: list[str], place: str
) -> list[pa.Field]:
    types = Types(keep)
    types.add(sample, place)
    if keep:
        for found in iter(lambda: list(islice(rest, SAMPLE)), []):
            types.add(_objects(found), str(found[0][0].path))
    return types.fields(place)
