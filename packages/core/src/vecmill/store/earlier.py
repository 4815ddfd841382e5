"""Earlier: a finished dataset whose vectors may be used again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vecmill.errors import StoreError
from vecmill.store.files import atomic
from vecmill.store.ids import hashes
from vecmill.store.json import read_manifest
from vecmill.store.parquet import check_shard, reading
from vecmill.store.shard import group_ends
from vecmill.store.state import intact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from vecmill.records import Manifest
    from vecmill.store.layout import Layout

INDEX = np.dtype([("hash", "<u8"), ("row", "<i8"), ("rows", "<i4")])
"""A document: the hash of its id, its first row in the dataset, and how many it has."""
COLUMNS = ["id", "title", "text", "embedding"]


class Place(NamedTuple):
    """Some rows of a row group."""

    shard: int
    group: int
    start: int
    rows: int


def write_index(earlier: Layout, manifest: Manifest, layout: Layout) -> None:
    """Write where each document of an earlier dataset is, twenty bytes each, for the workers of a run."""
    found, first = [np.empty(0, INDEX)], 0
    for entry in manifest.shards:
        path = earlier.root / entry.path
        check_shard(path, entry, manifest)
        with reading(path):
            found.append(_documents(path, first))
        first += entry.rows
    index = np.concatenate(found)
    with atomic(layout.earlier, layout.temporary) as file:
        np.lib.format.write_array(file, index[np.argsort(index["hash"], kind="stable")], allow_pickle=False)


def _documents(path: Path, first: int) -> npt.NDArray[np.void]:
    file = pq.ParquetFile(path, pre_buffer=False)
    table = file.read(columns=["id", "chunk_index"])
    starts = np.flatnonzero(table.column("chunk_index").to_numpy() == 0)
    index = np.empty(len(starts), INDEX)
    index["hash"] = hashes(table.column("id").take(pa.array(starts)).to_pylist())
    index["row"] = first + starts
    index["rows"] = np.diff(starts, append=table.num_rows)
    return index


class Earlier:
    """Finds documents in an earlier dataset, and reads them a row group at a time.

    No file of it stays open, for a volume that is shared between machines cannot be brought up to date then.
    """

    def __init__(self, earlier: Layout, index: Path) -> None:
        manifest = read_manifest(earlier)
        if manifest is None:
            raise StoreError(f"{earlier.root} is gone since the run began: put it back, or run without --since")
        self._layout = earlier
        self._shards = manifest.shards
        self._ends = np.cumsum([0, *(entry.rows for entry in manifest.shards)])
        self._index = np.load(index, mmap_mode="r", allow_pickle=False)
        self._groups: dict[int, npt.NDArray[np.int64]] = {}

    def find(self, ids: Sequence[str]) -> Iterator[tuple[int, Place]]:
        """Yield the position in ``ids`` and the place of each that the dataset seems to have, by its hash alone."""
        wanted = hashes(ids)
        places = np.searchsorted(self._index["hash"], wanted)
        for position, place in enumerate(places.tolist()):
            if place < len(self._index) and self._index["hash"][place] == wanted[position]:
                yield position, self._place(int(self._index["row"][place]), int(self._index["rows"][place]))

    def rows(self, shard: int, group: int) -> int:
        """Return how many rows a row group has."""
        return int(np.diff(self._ends_of_groups(shard))[group])

    def read(self, shard: int, group: int) -> pa.Table:
        """Read a row group: ids, titles, texts and vectors.

        Raises:
            StoreError: The file is not what the earlier run wrote.
        """
        with pq.ParquetFile(self._layout.root / self._shards[shard].path, pre_buffer=False) as file:
            return file.read_row_group(group, columns=COLUMNS)

    def _place(self, row: int, rows: int) -> Place:
        shard = int(np.searchsorted(self._ends, row, side="right")) - 1
        within = row - int(self._ends[shard])
        ends = self._ends_of_groups(shard)
        group = int(np.searchsorted(ends, within, side="right")) - 1
        # A row group holds whole documents; of one that was cut all the same, the part in this group is used.
        return Place(shard, group, within - int(ends[group]), min(rows, int(ends[group + 1]) - within))

    def _ends_of_groups(self, shard: int) -> npt.NDArray[np.int64]:
        """Return where each row group of a shard ends, in rows of the shard, after a nought."""
        if shard not in self._groups:
            self._groups[shard] = self._checked(shard)
        return self._groups[shard]

    def _checked(self, shard: int) -> npt.NDArray[np.int64]:
        entry = self._shards[shard]
        path = self._layout.root / entry.path
        if not intact(self._layout, entry):
            raise StoreError(
                f"{path} is not what its run wrote, so its vectors are not used again: run its own job again to "
                "mend it, or run without --since"
            )
        return group_ends(pq.read_metadata(path))
