"""RowGroups: a dataset as the pieces that its files are read in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow.parquet as pq

from vecmill.errors import StoreError
from vecmill.store.json import finished_manifest, read_manifest
from vecmill.store.layout import Layout
from vecmill.store.parquet import check_shard, damaged, reading

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

COLUMNS = ["id", "title", "url", "chunk_index", "start", "end", "text"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that was found; ``score`` is its cosine with the query where vectors are normalised."""

    score: float
    id: str
    title: str
    url: str
    chunk_index: int
    start: int
    end: int
    text: str


class RowGroup(NamedTuple):
    """A piece of a shard: the shard's number, its own number there, and its rows."""

    shard: int
    number: int
    rows: int


class Hit(NamedTuple):
    """A row that was found. Hits sort best first; of equal ones the earlier is first."""

    distance: float
    group: RowGroup
    row: int


class RowGroups:
    """The row groups of a finished dataset, in order.

    They are those of the dataset that was there first: when its folder gets another one, under the same names, or its
    own files are made again, whatever is read after that is refused.

    Raises:
        StoreError: There is none at ``path``.
    """

    def __init__(self, path: str | Path) -> None:
        self._layout = Layout(Path(path))
        self._manifest_stamp = _stamp(self._layout.manifest)
        self.manifest = manifest = finished_manifest(self._layout)
        footers = [check_shard(self._file(shard), entry, manifest) for shard, entry in enumerate(manifest.shards)]
        self.all = [
            RowGroup(shard, number, footer.row_group(number).num_rows)
            for shard, footer in enumerate(footers)
            for number in range(footer.num_row_groups)
        ]
        self._stamps = [_stamp(self._file(shard)) for shard in range(len(footers))]
        self._refuse_changed()

    def vectors(self, group: RowGroup) -> npt.NDArray[np.float32]:
        """Read the vectors of a row group, shape ``(rows, dimension)``; may be called from many threads."""
        # The file is opened anew, for threads must not share one.
        path = self._file(group.shard)
        with reading(path), pq.ParquetFile(path, memory_map=True) as file:
            column = file.read_row_group(group.number, columns=["embedding"], use_threads=False).column(0)
            flat = column.combine_chunks().flatten().to_numpy()
            vectors: npt.NDArray[np.float32] = flat.reshape(group.rows, self.manifest.model.dimension)
        self._refuse_changed(group.shard)
        return vectors

    def passage(self, hit: Hit) -> Passage:
        """Read what stands in a row."""
        path = self._file(hit.group.shard)
        self._refuse_changed(hit.group.shard)  # before, as another file may lack the row group
        with reading(path), pq.ParquetFile(path) as file:
            rows = file.read_row_group(hit.group.number, columns=COLUMNS)
            row = rows.slice(hit.row, 1).to_pylist()[0]
        self._refuse_changed(hit.group.shard)
        if None in row.values():
            raise damaged(path, "a row of it is not whole")
        return Passage(score=-hit.distance, **row)

    def _file(self, shard: int) -> Path:
        return self._layout.root / self.manifest.shards[shard].path

    def _refuse_changed(self, *shards: int) -> None:
        """Refuse what was read, of these shards, if it may be another dataset's: the manifest goes before they do."""
        same = all(_stamp(self._file(shard)) == self._stamps[shard] for shard in shards)
        if not same or not self._is_there():
            raise StoreError(
                f"{self._layout.root} holds another dataset than when it was opened, or files of it were made again: "
                "open it again"
            )

    def _is_there(self) -> bool:
        """Whether the manifest is the one that was opened, or names the same files: a run may write it again."""
        stamp = _stamp(self._layout.manifest)
        if stamp != self._manifest_stamp:
            try:
                found = read_manifest(self._layout)
            except StoreError:
                return False
            if found is None or found.shards != self.manifest.shards:
                return False
            self._manifest_stamp = stamp
        return True


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes with a file's content; not its number, which network file systems give out anew."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
