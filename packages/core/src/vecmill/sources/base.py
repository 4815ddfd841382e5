"""What sources share: their options, the fingerprint, and a corpus in partitions of about the same size."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import Field, field_validator

from vecmill.errors import SourceError
from vecmill.files.store import AGAIN
from vecmill.protocols import INCIDENTAL, Options
from vecmill.records import Partition
from vecmill.records.documents import CHUNK_COLUMNS, VECTOR_COLUMN
from vecmill.records.model import Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pydantic import BaseModel

    from vecmill.files import File
    from vecmill.protocols import Source

Role = Literal["id", "text", "url", "title"]
ROLES: tuple[Role, ...] = ("id", "text", "url", "title")
TAKEN = frozenset({*ROLES, *CHUNK_COLUMNS, VECTOR_COLUMN, "problem"})


class SourceConfig(Options):
    """Options of every source.

    Attributes:
        limit: Read only the first so many documents, in source order.
        columns: Where our ``id``, ``text``, ``url`` and ``title`` are found, if the file calls them
            otherwise: ``{"text": "body"}``. An empty name leaves a column out: ``{"id": ""}`` numbers the rows.
        keep: Extra columns of the dataset. They keep their types, but for those that not every reader
            knows: a map becomes a list of pairs, a dictionary its values, a column of nulls strings.
        license: Identifiers of the text's licences as the Hub writes them, such as ``cc-by-sa-4.0``, for the card; by
            default what the source itself states.
        language: Codes of its languages, such as ``en``, in the same way.
    """

    limit: Annotated[int, Field(gt=0, lt=2**63, strict=True)] | None = None
    columns: dict[Role, str] = Field(default_factory=dict)
    keep: list[str] = Field(default_factory=list)
    license: Annotated[Words, INCIDENTAL] = ()
    language: Annotated[Words, INCIDENTAL] = ()

    @field_validator("columns")
    @classmethod
    def _text_is_needed(cls, columns: dict[Role, str]) -> dict[Role, str]:
        if columns.get("text") == "":
            raise ValueError("text must name a column: it is what is embedded")
        return columns

    @field_validator("keep")
    @classmethod
    def _names_are_free(cls, keep: list[str]) -> list[str]:
        if taken := sorted(TAKEN.intersection(keep)):
            raise ValueError(f"{', '.join(taken)}: the dataset has a column of that name already")
        if len(set(keep)) != len(keep):
            raise ValueError("a column is named twice")
        seen = {name.lower(): name for name in TAKEN}
        for name in keep:  # SQL takes names that differ in case alone for one: DuckDB reads the first of them
            if (other := seen.setdefault(name.lower(), name)) != name:
                raise ValueError(
                    f"{name!r} and the dataset's column {other!r} differ in case alone, and DuckDB, among others, "
                    "takes one for the other: rename it in the source, or take it out of keep"
                )
        return keep


def fingerprint(source: Source[Any], config: BaseModel, content: object) -> str:
    """Hash ``content``, which is JSON, together with the options that change what is read from it."""
    options = config.model_dump(mode="json", exclude=set(source.location))
    hashed = {"source": source.name, "version": source.version, "options": options, "content": content}
    return hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()


class Unit(NamedTuple):
    """The smallest piece of a source that a partition can begin or end with.

    Attributes:
        file: Number of its file in the source's list.
        start: Where it begins in the file: a row of a table, a byte of a text file.
        stop: Where it ends, exclusive.
        documents: How many documents it holds, at least one.
        bytes: About how much text it holds.
        line: Number of its first line, in a text file.
    """

    file: int
    start: int
    stop: int
    documents: int
    bytes: int
    line: int = 1


def parts(sizes: Sequence[int], target: int) -> Iterator[tuple[int, int]]:
    """Yield ``(start, stop)`` of consecutive, non-empty parts that together cover ``sizes``.

    A part holds at most ``target`` and one largest size more. Each size goes to the part its middle
    falls in, so that the parts are as even as the sizes allow.
    """
    total = sum(sizes)
    count = max(1, -(-total // max(1, target)))
    start, current, before = 0, 0, 0
    for index, size in enumerate(sizes):
        part = min(count - 1, (2 * before + size) * count // (2 * total)) if total else 0
        if part != current and index > start:
            yield start, index
            start = index
        current = part
        before += size
    if sizes:
        yield start, len(sizes)


def row_units(file: int, blocks: Iterable[tuple[int, int]], target: int) -> Iterator[Unit]:
    """Yield units of a table, given ``(rows, bytes)`` of each of its blocks; large blocks are split."""
    first = 0
    for rows, size in blocks:
        pieces = min(rows, max(1, -(-size // max(1, target))))
        for piece in range(pieces):
            start, stop = rows * piece // pieces, rows * (piece + 1) // pieces
            share = size * stop // rows - size * start // rows
            yield Unit(file, first + start, first + stop, stop - start, share)
        first += rows


def limit_units(units: Iterable[Unit], limit: int | None) -> Iterator[Unit]:
    """Yield units of a table until they hold ``limit`` rows; the last is cut to fit."""
    left = limit
    for unit in units:
        if left is not None and unit.documents >= left:
            yield unit._replace(stop=unit.start + left, documents=left, bytes=unit.bytes * left // unit.documents)
            return
        yield unit
        left = None if left is None else left - unit.documents


class RowRange(NamedTuple):
    """The rows of a partition; as small for ten thousand files as for one.

    Attributes:
        first: Name of the first file.
        files: How many files of the source's list, from there.
        stamp: Hash of their identities and, after a dot, of their contents if these are known.
        start: Where it begins in the first file: a row of a table, a byte of a text file.
        stop: Where it ends in the last file, exclusive.
        line: Number of the line at ``start``, in a text file.
        row: Number of the first document in the whole source, from 0.
    """

    first: str
    files: int
    stamp: str
    start: int
    stop: int
    line: int
    row: int

    @classmethod
    def of(cls, partition: Partition) -> RowRange:
        """Return the row range of a partition made by ``plan``."""
        return cls(**partition.where[KEY], stamp=partition.seen)

    @property
    def where(self) -> dict[str, Any]:
        """What a partition's ``where`` has of it: all but the stamp."""
        return {key: value for key, value in self._asdict().items() if key != "stamp"}

    def renew_stamp(self, files: Sequence[File], index: int) -> str:
        """Return the stamp of its files as they are now, given the source's list and the index of the first there."""
        return stamp(files[index : index + self.files])

    def pieces(self, files: Sequence[File]) -> Iterator[Piece]:
        """Yield the pieces of files to read, given the source's list of files.

        Raises:
            SourceError: The files are not those the partition was planned for.
        """
        mine = self._find_files(files)
        for index, file in enumerate(mine):
            begins, ends = index == 0, index == len(mine) - 1
            yield Piece(file, self.start if begins else 0, self.stop if ends else None, self.line if begins else 1)

    def _find_files(self, files: Sequence[File]) -> Sequence[File]:
        at = next((index for index, file in enumerate(files) if file.name == self.first), 0)
        mine = files[at : at + self.files]
        if not self._is_same(mine):
            names = self.first if self.files == 1 else f"One of {self.files} files from {self.first} on"
            raise SourceError(f"{names} changed during the run: {AGAIN}")
        return mine

    def _is_same(self, files: Sequence[File]) -> bool:
        """Return whether these are the files of the plan: by identity or, where that differs, by content."""
        identities, _, content = self.stamp.partition(".")
        if _hash([file.identity for file in files]) == identities:
            return True
        return bool(content) and _hash([(file.name, file.hash()) for file in files]) == content


KEY = "stretch"
"""Where a partition has its row range; the word is that of the partitions that half-finished runs have stored."""


class Piece(NamedTuple):
    """A piece of a file; ``stop`` is None for its end."""

    file: File
    start: int
    stop: int | None
    line: int


def stamp(files: Sequence[File]) -> str:
    """Hash the identities of files, and their contents if this process has read them."""
    identities, contents = _hash([file.identity for file in files]), [(file.name, file.known_hash) for file in files]
    return f"{identities}.{_hash(contents)}" if all(known for _, known in contents) else identities


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


def plan(files: Sequence[File], units: Iterable[Unit], target_bytes: int, extra: dict[str, Any]) -> Iterator[Partition]:
    """Yield partitions of about ``target_bytes``, in order; ``extra`` is added to what each one's ``where`` has.

    Raises:
        SourceError: There are no documents.
    """
    found = list(units)
    if not found:
        raise SourceError(f"the source holds no documents: {_describe_files(files)}")
    row = 0
    for start, stop in parts([unit.bytes for unit in found], target_bytes):
        partition = _partition(files, found[start:stop], row, extra)
        yield partition
        row += partition.documents or 0


def _partition(files: Sequence[File], units: Sequence[Unit], row: int, extra: dict[str, Any]) -> Partition:
    first, last = units[0], units[-1]
    mine = files[first.file : last.file + 1]
    rows = RowRange(mine[0].name, len(mine), stamp(mine), first.start, last.stop, first.line, row)
    return Partition(
        where={KEY: rows.where, **extra},
        documents=sum(unit.documents for unit in units),
        bytes=sum(unit.bytes for unit in units),
        seen=rows.stamp,
    )


def _describe_files(files: Sequence[File]) -> str:
    if len(files) > 1:
        return f"{len(files)} files, the first is {files[0].name}, without a single row"
    return f"{files[0].name} without a single row" if files else "it has no files"
