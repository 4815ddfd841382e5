"""Reuse index: where the chunks of an earlier dataset are, and their vectors."""

from __future__ import annotations

import collections
import contextlib
import hashlib
import itertools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vecmill.errors import StoreError
from vecmill.store.files import atomic, read_manifest, remove
from vecmill.store.parquet import find_large_group, group_ends
from vecmill.store.state import hash_ids, intact
from vecmill.store.vectors import from_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from vecmill.records import Manifest, Output
    from vecmill.store.layout import Layout


HASH, ROW, ROWS = range(3)
"""What the index has of a document, eight bytes each: the hash of its id, its first row, and how many it has."""
COLUMNS = ["id", "title", "text"]
READ_ROWS = 256
"""Rows of a row group that are decoded at a time."""
READS = 3
"""Times that all row groups of a shard are read, on average, before its rows are laid out to be read one by one."""
DIGEST = 32


class DocumentRows(NamedTuple):
    """A document's rows, counted over all shards."""

    row: int
    rows: int


def write_index(earlier: Layout, manifest: Manifest, layout: Layout) -> None:
    """Write where each document of an earlier dataset is, in 24 bytes each, for the workers of a run.

    Raises:
        StoreError: A file of it is not a shard.
    """
    remove(layout.earlier_rows)
    found, first = [np.empty((3, 0), np.uint64)], 0
    for entry in manifest.shards:
        path = earlier.root / entry.path
        with _reading(path):
            if problem := find_large_group(pq.read_metadata(path), manifest.model.output):
                raise ValueError(problem)
            found.append(_documents(path, entry.rows, first))
        first += entry.rows
    index = np.concatenate(found, axis=1)
    with atomic(layout.earlier, layout.temporary) as file:
        np.lib.format.write_array(file, index[:, np.argsort(index[HASH], kind="stable")], allow_pickle=False)


def _documents(path: Path, rows: int, first: int) -> npt.NDArray[np.uint64]:
    with pq.ParquetFile(path, pre_buffer=False) as file:
        if file.metadata.num_rows != rows:
            raise ValueError(f"it has {file.metadata.num_rows} rows, and {rows} in the manifest")
        found, row = [], 0
        for batch in file.iter_batches(READ_ROWS, columns=["id", "chunk_index"]):
            starts = np.flatnonzero(batch.column("chunk_index").to_numpy() == 0)
            ids = pc.fill_null(batch.column("id").take(pa.array(starts)).cast(pa.string()), "").to_pylist()
            found.append(np.stack([hash_ids(ids), (row + starts).astype(np.uint64)]))
            row += batch.num_rows
    index = np.concatenate([np.empty((2, 0), np.uint64), *found], axis=1)
    counts = np.diff(index[ROW], append=np.uint64(rows))
    return np.stack([index[HASH], index[ROW] + np.uint64(first), counts])


class EarlierDataset:
    """Finds documents in an earlier dataset, and gives their chunks' vectors; one for all shards of a worker.

    Wherever the documents of a window are, the dataset is hashed once and read a few times: row groups as long as
    that is no more than a few times over, and after that a copy of the shard, as it lies in the run's state, in
    which each row is where its number says.

    No file stays open, for a volume that is shared between machines cannot be brought up to date then.
    """

    def __init__(self, earlier: Layout, layout: Layout, output: Output) -> None:
        """Read the manifest.

        Args:
            earlier: The dataset.
            layout: Of the run that uses it, and has its index.
            output: What its vectors are.

        Raises:
            StoreError: There is no such dataset.
        """
        manifest = read_manifest(earlier)
        if manifest is None:
            raise StoreError(f"{earlier.root} is gone since the run began: put it back, or run without --since")
        self.run_id = manifest.run_id
        self.digest = manifest.shards_digest
        self.root = earlier.root
        self._earlier = earlier
        self._layout = layout
        self._output = output
        self._shards = manifest.shards
        self._record = np.dtype([("digest", f"V{DIGEST}"), ("vector", "<f4", (output.dimension,))])
        self._ends = np.cumsum([0, *(entry.rows for entry in self._shards)])
        self._groups: dict[int, npt.NDArray[np.int64]] = {}
        self._checked: dict[int, tuple[int, ...]] = {}
        self._reads: collections.Counter[int] = collections.Counter()

    def find(self, ids: Sequence[str]) -> Iterator[tuple[int, DocumentRows]]:
        """Yield the position in ``ids`` and the rows of each that the dataset seems to have, by its hash alone."""
        index = np.load(self._layout.earlier, mmap_mode="r", allow_pickle=False)
        wanted = hash_ids(ids)
        positions = np.minimum(np.searchsorted(index[HASH], wanted), max(0, index.shape[1] - 1))
        found = np.flatnonzero(index[HASH][positions] == wanted) if index.shape[1] else np.empty(0, np.int64)
        rows = index[ROW:, positions[found]].T.tolist()
        yield from zip(found.tolist(), (DocumentRows(*row) for row in rows), strict=True)

    def fetch(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.void]:
        """Return the ``digest`` and the ``vector`` of rows.

        Args:
            rows: Their numbers in the dataset, ascending.

        Raises:
            StoreError: A file is not what the earlier run wrote.
        """
        found = np.empty(len(rows), self._record)
        edges = np.searchsorted(rows, self._ends)
        for shard in np.flatnonzero(np.diff(edges)).tolist():
            part = slice(edges[shard], edges[shard + 1])
            found[part] = self._fetch(shard, rows[part] - self._ends[shard])
        return found

    def _fetch(self, shard: int, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.void]:
        copy = self._layout.earlier_rows / f"{self._shards[shard].sha256}.rows"
        if not copy.is_file():
            ends = self._check(shard)
            groups = np.unique(np.searchsorted(ends, rows, side="right") - 1)
            self._reads[shard] += len(groups)
            if self._reads[shard] <= READS * (len(ends) - 1):
                return self._concatenate_records(self._read(shard, rows, groups.tolist()))
            self._lay_out(shard, copy)
        return self._pick(copy, rows)

    def _pick(self, copy: Path, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.void]:
        """Read rows of a copy of a shard, those that follow one another together."""
        size = self._record.itemsize
        edges = [0, *(np.flatnonzero(np.diff(rows) != 1) + 1).tolist(), len(rows)]
        with copy.open("rb") as file:
            found = bytearray()
            for start, stop in itertools.pairwise(edges):
                file.seek(int(rows[start]) * size)
                found += file.read((stop - start) * size)
        return np.frombuffer(found, self._record)

    def _lay_out(self, shard: int, copy: Path) -> None:
        """Copy a shard's digests and vectors to a file in which each row has its offset."""
        ends = self._check(shard)
        with atomic(copy, self._layout.temporary) as file:
            for records in self._read(shard, np.arange(ends[-1]), range(len(ends) - 1)):
                file.write(records.tobytes())

    def _read(self, shard: int, rows: npt.NDArray[np.int64], groups: Iterable[int]) -> Iterator[npt.NDArray[np.void]]:
        """Yield rows of a shard, from these row groups, in order."""
        path, ends = self._path(shard), self._groups[shard]
        with _reading(path), pq.ParquetFile(path, pre_buffer=False) as file:
            for group in groups:
                first = int(ends[group])
                for batch in file.iter_batches(READ_ROWS, [group], [*COLUMNS, self._output.name]):
                    low, high = np.searchsorted(rows, [first, first + batch.num_rows])
                    if low < high:
                        yield self._records(batch.take(pa.array(rows[low:high] - first)))
                    first += batch.num_rows

    def _records(self, rows: pa.RecordBatch) -> npt.NDArray[np.void]:
        records = np.empty(rows.num_rows, self._record)
        records["vector"] = from_column(rows.column(self._output.name), self._output)
        strings = (rows.column(name).to_pylist() for name in ("id", "title", "text"))
        for number, (id_, title, text) in enumerate(zip(*strings, strict=True)):
            digest = bytes(DIGEST) if None in (id_, title, text) else next(hash_chunks(id_, title, [text]))
            records["digest"][number] = digest
        return records

    def _concatenate_records(self, records: Iterable[npt.NDArray[np.void]]) -> npt.NDArray[np.void]:
        return np.concatenate([np.empty(0, self._record), *records])

    def _path(self, shard: int) -> Path:
        return self._earlier.root / self._shards[shard].path

    def _check(self, shard: int) -> npt.NDArray[np.int64]:
        """Hash a shard, unless it is as it was when it was hashed; return where its row groups end, after a zero."""
        path = self._path(shard)
        with _reading(path):
            status = path.stat()
            now = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
            if self._checked.get(shard) != now:
                if not intact(self._earlier, self._shards[shard]):
                    raise ValueError("its size or its sha256 is another")
                self._groups[shard] = group_ends(pq.read_metadata(path))
                self._checked[shard] = now
        return self._groups[shard]


def hash_chunks(id_: str, title: str, texts: Iterable[str]) -> Iterator[bytes]:
    """Yield what identifies a document's chunks: a hash of id, title and text together."""
    document = hashlib.blake2b(digest_size=DIGEST)
    for part in (id_, title):
        data = part.encode()
        document.update(len(data).to_bytes(8) + data)
    for text in texts:
        chunk = document.copy()
        chunk.update(text.encode())
        yield chunk.digest()


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Name the file where a shard of an earlier dataset is not what it should be.

    Raises:
        StoreError: It is not.
    """
    try:
        yield
    except (OSError, pa.ArrowException, ValueError, KeyError) as error:
        raise StoreError(
            f"{path} is not what its run wrote ({error}), so its vectors are not used again: run its own job again to "
            "repair it, or run without --since"
        ) from error
