"""Balance: consecutive units of text, in parts of about the same size."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


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


def limited(units: Iterable[Unit], limit: int | None) -> Iterator[Unit]:
    """Yield units of a table until they hold ``limit`` rows; the last is cut to fit."""
    left = limit
    for unit in units:
        if left is not None and unit.documents >= left:
            yield unit._replace(stop=unit.start + left, documents=left, bytes=unit.bytes * left // unit.documents)
            return
        yield unit
        left = None if left is None else left - unit.documents
