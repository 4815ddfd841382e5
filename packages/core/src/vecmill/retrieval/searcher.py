"""Searcher: the passages nearest to a query, by a scan of the files or with the vectors in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import pyarrow.parquet as pq

from vecmill.concurrency import Threads
from vecmill.errors import StoreError
from vecmill.records.documents import DOCUMENT_COLUMNS
from vecmill.retrieval.query import QueryEmbedder, embed_queries
from vecmill.store.files import finished_manifest, read_manifest
from vecmill.store.layout import Layout
from vecmill.store.parquet import check_shard, damaged_error, reading
from vecmill.store.vectors import comparable_vectors, empty_vectors, from_column, score_vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from vecmill.records import Similarity


def highest(scores: npt.NDArray[np.float32], limit: int) -> npt.NDArray[np.int64]:
    """Return where the highest scores are, best first; of equal ones, the earlier."""
    enough = np.partition(scores, -limit)[-limit] if limit < len(scores) else -np.inf
    candidates = np.flatnonzero(scores >= enough)
    return candidates[np.argsort(-scores[candidates], kind="stable")[:limit]]


COLUMNS = [*DOCUMENT_COLUMNS, "chunk_index", "start", "end", "text"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that was found.

    Attributes:
        score: Its cosine with the query, the product of the two vectors, or their distance with a minus: the higher,
            the nearer.
        id: Of its document.
        title: Of its document.
        url: Of its document.
        chunk_index: Its number in its document, from 0.
        start: First character, in the document.
        end: One past the last character.
        text: Its text.
        similarity: What ``score`` is: ``cosine``, ``dot``, ``euclidean`` or ``manhattan``.
    """

    score: float
    id: str
    title: str
    url: str
    chunk_index: int
    start: int
    end: int
    text: str
    similarity: Similarity = "cosine"


class RowGroup(NamedTuple):
    """A row group of a shard: the shard's number, its number in the shard, and its rows."""

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
    files are made again, whatever is read after that is refused.

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
        """Read the vectors of a row group, to be scored, shape ``(rows, dimension)``; may be called by many threads."""
        # The file is opened for each call, as threads must not share one.
        path = self._file(group.shard)
        output = self.manifest.model.output
        with reading(path), pq.ParquetFile(path, memory_map=True) as file:
            column = file.read_row_group(group.number, columns=[output.name], use_threads=False).column(0)
            vectors = from_column(column, output)
        self._refuse_changed(group.shard)
        return comparable_vectors(vectors, output)

    def passage(self, hit: Hit) -> Passage:
        """Read the passage of a row."""
        path = self._file(hit.group.shard)
        self._refuse_changed(hit.group.shard)  # before, as another file may lack the row group
        with reading(path), pq.ParquetFile(path) as file:
            rows = file.read_row_group(hit.group.number, columns=COLUMNS)
            row = rows.slice(hit.row, 1).to_pylist()[0]
        self._refuse_changed(hit.group.shard)
        if None in row.values():
            raise damaged_error(path, "a row of it is not complete")
        return Passage(score=-hit.distance, similarity=self.manifest.model.output.similarity, **row)

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
    """Return what changes with a file's content; not its inode, which network file systems change."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def search(
    path: str | Path,
    query: str,
    limit: int = 3,
    *,
    model: str | None = None,
    embedder: str | Mapping[str, Any] | None = None,
    confirm: Callable[[str], bool] | None = None,
) -> list[Passage]:
    """Embed a query with the dataset's own model and return the nearest chunks, best first.

    Exact: every vector is compared, streamed from disk, so memory does not grow with the dataset. For many
    queries over one dataset, a ``Searcher`` is faster.

    Args:
        path: The dataset's folder.
        query: A question.
        limit: How many chunks.
        model: The dataset's model, if no run of this user made it here: a Hub id, or a folder.
        embedder: The embedder's name or options, in the same way, such as ``{"url": "http://…"}``.
        confirm: Given a question, whether to use what nobody but the manifest names; without it, that is refused.

    Raises:
        StoreError: There is no finished dataset at ``path``.
        ModelError: Its model is not to be had here, is another, or is named by nobody but the manifest.
    """
    dataset = RowGroups(path)
    output = dataset.manifest.model.output
    queries = embed_queries(dataset.manifest, [query], model=model, embedder=embedder, confirm=confirm)
    vector = comparable_vectors(queries, output)[0]

    def best(group: RowGroup) -> list[Hit]:
        scores = score_vectors(dataset.vectors(group), vector, output)
        return [Hit(-float(scores[row]), group, row) for row in highest(scores, limit).tolist()]

    with Threads() as threads:
        hits = sorted(hit for hits in threads.map(best, dataset.all) for hit in hits)
    return [dataset.passage(hit) for hit in hits[:limit]]


class Searcher:
    """A dataset opened for many queries: its vectors are in memory, 4 bytes a number, and its model is loaded.

    Use it as a context manager, or call ``close``. Searches may come from many threads.

    Args:
        path: The dataset's folder.
        model: The dataset's model, if no run of this user made it here: a Hub id, or a folder.
        embedder: The embedder's name or options, in the same way, such as ``{"url": "http://…"}``.
        confirm: Given a question, whether to use what nobody but the manifest names; without it, that is refused.

    Raises:
        StoreError: There is no finished dataset at ``path``.
        ModelError: Its model is not to be had here, is another, or is named by nobody but the manifest.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        model: str | None = None,
        embedder: str | Mapping[str, Any] | None = None,
        confirm: Callable[[str], bool] | None = None,
    ) -> None:
        self._dataset = RowGroups(path)
        self._output = self._dataset.manifest.model.output
        rows = [group.rows for group in self._dataset.all]
        self._starts = np.cumsum([0, *rows])
        self._vectors = empty_vectors(self._output, sum(rows))
        with Threads() as threads:
            list(threads.map(self._fill, range(len(rows))))
        self._embedder = QueryEmbedder(self._dataset.manifest, model=model, embedder=embedder, confirm=confirm)

    def search(self, query: str, limit: int = 3) -> list[Passage]:
        """Return the chunks nearest to a query, best first. Exact: every vector is compared."""
        (vector,) = comparable_vectors(self._embedder.embed([query]), self._output)
        scores = score_vectors(self._vectors, vector, self._output)
        return [self._dataset.passage(self._hit(scores, row)) for row in highest(scores, limit).tolist()]

    def close(self) -> None:
        """Free the model."""
        self._embedder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fill(self, number: int) -> None:
        start, end = self._starts[number : number + 2]
        self._vectors[start:end] = self._dataset.vectors(self._dataset.all[number])

    def _hit(self, scores: npt.NDArray[np.float32], row: int) -> Hit:
        number = int(np.searchsorted(self._starts, row, "right")) - 1
        return Hit(-float(scores[row]), self._dataset.all[number], row - int(self._starts[number]))
