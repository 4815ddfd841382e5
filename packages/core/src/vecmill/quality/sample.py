"""Sample: some stretches of a dataset, from its beginning to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vecmill.errors import StoreError
from vecmill.store.parquet import check_shard, damaged, reading
from vecmill.store.shard import group_ends

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from vecmill.records import Manifest

ROWS = 10_000
STRETCHES = 20
COLUMNS = ["id", "title", "chunk_index", "text", "embedding"]


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows with their vectors.

    Attributes:
        ids: Document of each row.
        titles: Its title.
        texts: Its text.
        vectors: Shape ``(rows, dimension)``, of unit length.
    """

    ids: list[str]
    titles: list[str]
    texts: list[str]
    vectors: npt.NDArray[np.float32]


def sample(root: Path, manifest: Manifest, rows: int = ROWS) -> Sample:
    """Take stretches of consecutive rows at equal distances, so that whole documents are among them."""
    if not sum(entry.rows for entry in manifest.shards):
        raise StoreError(f"{root} holds no chunks: there is nothing to report on")
    table = pa.concat_tables([_stretch(root, manifest, *place) for place in _places(manifest, rows)])
    width = manifest.model.dimension
    with reading(root):
        flat = table.column("embedding").combine_chunks().flatten().to_numpy()
        vectors = np.array(flat, np.float32).reshape(len(table), width)
        ids, titles, texts = (table.column(name).to_pylist() for name in ("id", "title", "text"))
    if not np.isfinite(vectors).all():
        raise damaged(root, "a vector is not finite")
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return Sample(ids, titles, texts, vectors / np.maximum(norms, 1e-12))


def _places(manifest: Manifest, rows: int) -> list[tuple[int, int]]:
    """Return first and last row of each stretch, numbered through all shards."""
    total = sum(entry.rows for entry in manifest.shards)
    if total <= rows:
        return [(0, total)]
    each = rows // STRETCHES
    return [(start, start + each) for start in np.linspace(0, total - each, STRETCHES).astype(int).tolist()]


def _stretch(root: Path, manifest: Manifest, start: int, stop: int) -> pa.Table:
    tables, first = [], 0
    for entry in manifest.shards:
        low, high = max(start - first, 0), min(stop - first, entry.rows)
        if low < high:
            path = root / entry.path
            check_shard(path, entry, manifest)
            with reading(path):
                tables.append(_rows(path, low, high))
            if any(tables[-1].column(name).null_count for name in COLUMNS):
                raise damaged(path, "a row of it is not whole")
        first += entry.rows
    return pa.concat_tables(tables)


def _rows(path: Path, start: int, stop: int) -> pa.Table:
    """Read the row groups that hold these rows, and no others."""
    file = pq.ParquetFile(path, pre_buffer=False)
    ends = group_ends(file.metadata)
    groups = [i for i in range(file.num_row_groups) if ends[i] < stop and ends[i + 1] > start]
    table: pa.Table = file.read_row_groups(groups, columns=COLUMNS)
    return table.slice(start - int(ends[groups[0]]), stop - start)
