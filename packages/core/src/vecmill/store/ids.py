"""Ids: the hashes of a dataset's document ids, and whether each is there once."""

from __future__ import annotations

import bisect
import collections
import hashlib
import tempfile
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq

from vecmill.store.files import atomic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt
    import pyarrow as pa

    from vecmill.store.layout import Layout


ROOM = 1 << 23
"""Hashes that are compared at a time, 64 MB of them, however many documents there are."""


def write_ids(layout: Layout, index: int, ids: Iterable[str]) -> None:
    """Write the hashes of a shard's document ids, in ascending order."""
    with atomic(layout.ids(index), layout.temporary) as file:
        np.lib.format.write_array(file, np.sort(hash_ids(ids)), allow_pickle=False)


def can_read_ids(layout: Layout, index: int) -> bool:
    """Whether the hashes of a shard's ids are there and whole."""
    try:
        _hashes(layout, index)
    except (OSError, ValueError, EOFError):
        return False
    return True


def hash_ids(ids: Iterable[str]) -> npt.NDArray[np.uint64]:
    """Hash ids to 64 bits each."""
    digests = [hashlib.blake2b(id_.encode(), digest_size=8).digest() for id_ in ids]
    return np.frombuffer(b"".join(digests), np.uint64)


def find_duplicates(layout: Layout, shards: Sequence[int], count: int) -> dict[int, list[str]]:
    """Return ids that an earlier shard has read too, by shard, whether their documents could be embedded or not.

    Hashes point at the suspects, eight bytes a document; the ids themselves decide.
    """
    suspects = _suspects(layout, shards)
    if not suspects.size:
        return {}
    seen: set[str] = set()
    found: dict[int, list[str]] = {}
    for index in shards:
        here = _suspect_ids(layout, index, count, suspects)
        again = [id_ for id_ in here if id_ in seen]
        if again:
            found[index] = again
        seen.update(here)
    return found


def _suspects(layout: Layout, shards: Sequence[int]) -> npt.NDArray[np.uint64]:
    """Return the hashes that stand in more than one place."""
    found = [np.unique(values[1:][values[1:] == values[:-1]]) for values in _parts(layout, shards)]
    return np.concatenate([np.empty(0, np.uint64), *found])


def _parts(layout: Layout, shards: Sequence[int]) -> Iterator[npt.NDArray[np.uint64]]:
    """Yield all hashes of all shards in ascending order, about ``ROOM`` at a time; equal ones are in one part."""
    parts = -(-sum(_hashes(layout, index).size for index in shards) // ROOM)
    for part in range(parts):
        low, high = (2**64 * edge // parts for edge in (part, part + 1))
        values = np.concatenate([_between(_hashes(layout, index), low, high) for index in shards])
        values.sort()  # in place, and three times as fast as to count them
        yield values


def _between(values: npt.NDArray[np.uint64], low: int, high: int) -> npt.NDArray[np.uint64]:
    """Copy those of some ascending numbers that are at least ``low`` and below ``high``."""
    return values[bisect.bisect_left(values, low) : bisect.bisect_left(values, high)].copy()


def _suspect_ids(layout: Layout, index: int, count: int, suspects: npt.NDArray[np.uint64]) -> list[str]:
    wanted = np.intersect1d(_hashes(layout, index), suspects)
    if not wanted.size:
        return []
    # what the engine refused is in quarantine, among rows whose ids were not read as documents
    files = (layout.shard(index, count), layout.shard_quarantine(index))
    ids = list(dict.fromkeys(id_ for file in files for id_ in _column(file) if id_ is not None))
    return [id_ for id_, suspect in zip(ids, np.isin(hash_ids(ids), wanted), strict=True) if suspect]


def _hashes(layout: Layout, index: int) -> npt.NDArray[np.uint64]:
    """Return a shard's hashes, of which only what is used is read."""
    found: npt.NDArray[np.uint64] = np.load(layout.ids(index), mmap_mode="r", allow_pickle=False)
    return found


def _column(file: Path) -> list[str | None]:
    found: list[str | None] = []
    if file.is_file():
        found = pq.read_table(file, columns=["id"]).column("id").unique().to_pylist()
    return found


SPOOL_BYTES = 64_000_000
"""Hashes held in memory; more of them go to a temporary file."""


class IdCheck:
    """Collects the hashes of document ids, eight bytes each, and compares them a part at a time."""

    def __init__(self) -> None:
        self._spool = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 - closed by ``close``
        self._count = 0
        self._wanted: list[npt.NDArray[np.uint64]] = []

    def add(self, ids: pa.Array) -> None:
        """Add documents that the dataset counts: embedded ones, and those that the engine or the limit refused."""
        hashed = hash_ids(ids.to_pylist())
        self._spool.write(hashed.tobytes())
        self._count += len(hashed)

    def require(self, ids: pa.Array) -> None:
        """Add ids that a counted document must have: those of duplicates."""
        self._wanted.append(hash_ids(ids.to_pylist()))

    def compare(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        """Return the hashes that stand in more than one place, and the required ones that stand in none."""
        wanted = np.unique(np.concatenate([np.empty(0, np.uint64), *self._wanted]))
        repeated, present = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
        for values in self._parts():
            values.sort()
            repeated.append(np.unique(values[1:][values[1:] == values[:-1]]))
            present.append(np.intersect1d(wanted, values))
        return np.concatenate(repeated), np.setdiff1d(wanted, np.concatenate(present))

    def close(self) -> None:
        """Free the temporary file."""
        self._spool.close()

    def _parts(self) -> Iterator[npt.NDArray[np.uint64]]:
        """Yield all hashes, about ``ROOM`` at a time; equal ones are in one part."""
        parts = -(-self._count // ROOM)
        for part in range(parts):
            low, high = np.uint64(2**64 * part // parts), np.uint64(2**64 * (part + 1) // parts - 1)
            yield np.concatenate([values[(values >= low) & (values <= high)] for values in self._blocks()])

    def _blocks(self) -> Iterator[npt.NDArray[np.uint64]]:
        self._spool.seek(0)
        while block := self._spool.read(ROOM):
            yield np.frombuffer(block, np.uint64)


def find_repeated_ids(documents: Iterable[pa.Array], suspects: npt.NDArray[np.uint64]) -> list[str]:
    """Return the ids that stand in more than one place, of those that have one of these hashes: the ids decide."""
    counts: collections.Counter[str] = collections.Counter()
    for ids in documents:
        names = np.array(ids.to_pylist(), dtype=object)
        counts.update(names[np.isin(hash_ids(names), suspects)])
    return sorted(id_ for id_, count in counts.items() if count > 1)
