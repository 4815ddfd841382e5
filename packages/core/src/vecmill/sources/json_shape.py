"""Shape: what the rows of a JSON Lines source have in common, as far as a worker must know."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from vecmill.errors import ConfigError, SourceError
from vecmill.sources.carried import dump, load
from vecmill.sources.columns import missing
from vecmill.sources.json_text import NotJsonError, kind, parse
from vecmill.sources.json_types import Types

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa

    from vecmill.sources.config import SourceConfig
    from vecmill.sources.files import File
    from vecmill.sources.lines import Line

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
