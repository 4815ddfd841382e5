"""Measure: what a dataset is like to search, from a sample of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vecmill.concurrency import check_interrupt
from vecmill.errors import StoreError, VecmillError
from vecmill.quality.report import SHORT, TWIN, Geometry, KnownItems, Lengths, Report
from vecmill.retrieval import embed_queries
from vecmill.retrieval.searcher import highest
from vecmill.store.files import finished_manifest
from vecmill.store.layout import Layout
from vecmill.store.parquet import check_shard, damaged_error, group_ends, reading
from vecmill.store.vectors import comparable_vectors, from_column, score_vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy.typing as npt

    from vecmill.records import Manifest


ROWS = 10_000
RANGES = 20
COLUMNS = ["id", "title", "chunk_index", "text"]


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows with their vectors.

    Attributes:
        ids: Document of each row.
        titles: Its title.
        texts: Its text.
        vectors: Shape ``(rows, dimension)``, as they are in the dataset.
    """

    ids: list[str]
    titles: list[str]
    texts: list[str]
    vectors: npt.NDArray[np.float32]


def sample(root: Path, manifest: Manifest, rows: int = ROWS) -> Sample:
    """Take ranges of consecutive rows at equal distances, so that complete documents are among them."""
    if not sum(entry.rows for entry in manifest.shards):
        raise StoreError(f"{root} holds no chunks: there is nothing to report on")
    table = pa.concat_tables([_read_range(root, manifest, *rows_) for rows_ in _choose_ranges(manifest, rows)])
    output = manifest.model.output
    with reading(root):
        vectors = from_column(table.column(output.name), output)
        ids, titles, texts = (table.column(name).to_pylist() for name in ("id", "title", "text"))
    if not np.isfinite(vectors).all():
        raise damaged_error(root, "a vector is not finite")
    return Sample(ids, titles, texts, vectors)


def _choose_ranges(manifest: Manifest, rows: int) -> list[tuple[int, int]]:
    """Return first and last row of each range, numbered through all shards."""
    total = sum(entry.rows for entry in manifest.shards)
    if total <= rows:
        return [(0, total)]
    each = rows // RANGES
    return [(start, start + each) for start in np.linspace(0, total - each, RANGES).astype(int).tolist()]


def _read_range(root: Path, manifest: Manifest, start: int, stop: int) -> pa.Table:
    tables, first = [], 0
    for entry in manifest.shards:
        low, high = max(start - first, 0), min(stop - first, entry.rows)
        if low < high:
            path, columns = root / entry.path, [*COLUMNS, manifest.model.output.name]
            check_shard(path, entry, manifest)
            with reading(path):
                tables.append(_rows(path, low, high, columns))
            if any(tables[-1].column(name).null_count for name in columns):
                raise damaged_error(path, "a row of it is not complete")
        first += entry.rows
    return pa.concat_tables(tables)


def _rows(path: Path, start: int, stop: int, columns: list[str]) -> pa.Table:
    """Read the row groups that hold these rows, and no others."""
    file = pq.ParquetFile(path, pre_buffer=False)
    ends = group_ends(file.metadata)
    groups = [i for i in range(file.num_row_groups) if ends[i] < stop and ends[i + 1] > start]
    table: pa.Table = file.read_row_groups(groups, columns=columns)
    return table.slice(start - int(ends[groups[0]]), stop - start)


BLOCK = 1024
NO_LENGTH = np.float32(1e-12)
COSINE_BINS = 20


def geometry(sample: Sample) -> Geometry:
    """Measure the spread of the vectors, and how near the nearest are: by the cosine, whatever their length."""
    vectors = sample.vectors / np.maximum(np.linalg.norm(sample.vectors, axis=1, keepdims=True), NO_LENGTH)
    near = nearest(vectors, np.unique(sample.ids, return_inverse=True)[1])
    rows = len(vectors)
    total = vectors.astype(np.float64).sum(0)
    pairs = max(1, rows * (rows - 1))
    return Geometry(
        rows=rows,
        mean_cosine=float((total @ total - rows) / pairs),
        effective_dimensions=_dimensions(vectors),
        twins=int((near > TWIN).sum()),
        nearest=np.histogram(np.clip(near, 0, 1), bins=COSINE_BINS, range=(0, 1))[0].tolist(),
    )


def nearest(vectors: npt.NDArray[np.float32], owners: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Return each row's greatest cosine with a row of another owner; -1 where there is none."""
    best = np.full(len(vectors), -1, np.float32)
    for start in range(0, len(vectors), BLOCK):
        block = slice(start, start + BLOCK)
        scores = vectors[block] @ vectors.T
        scores[owners[block, None] == owners[None, :]] = -1
        best[block] = scores.max(1, initial=-1)
    return best


def _dimensions(vectors: npt.NDArray[np.float32]) -> float:
    """Return the participation ratio of the covariance: (sum of eigenvalues)² / sum of their squares."""
    covariance = np.cov(vectors, rowvar=False) if len(vectors) > 1 else np.zeros((1, 1))
    trace = float(np.trace(np.atleast_2d(covariance)))
    return trace**2 / float((np.atleast_2d(covariance) ** 2).sum()) if trace else 0.0


LENGTH_BINS = 32
LONGEST = 100_000_000
"""Tokens of a chunk: no model takes as many, and there is a number in memory for each length up to the longest."""


def lengths(root: Path, manifest: Manifest) -> Lengths:
    """Count chunks by length over all shards."""
    counts, most = np.zeros(1, np.int64), 0
    for entry in manifest.shards:
        path = root / entry.path
        check_shard(path, entry, manifest)
        for batch in _batches(path):
            check_interrupt()
            tokens = batch.column("tokens").to_numpy()
            if tokens.min(initial=0) < 0 or tokens.max(initial=0) > LONGEST:
                raise damaged_error(path, "tokens is out of range")
            found = np.bincount(tokens)
            counts, found = _alike(counts, found)
            counts = counts + found
            most = max(most, (pc.max(batch.column("chunk_index")).as_py() or 0) + 1)
    return _summary(counts, most, manifest)


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    with reading(path):
        yield from pq.ParquetFile(path, pre_buffer=False).iter_batches(65_536, columns=["tokens", "chunk_index"])


def _summary(counts: npt.NDArray[np.int64], most: int, manifest: Manifest) -> Lengths:
    rows, longest = int(counts.sum()), len(counts) - 1
    below = np.cumsum(counts)
    width = max(1, -(-(longest + 1) // LENGTH_BINS))
    padded = np.pad(counts, (0, width * LENGTH_BINS - len(counts)))
    return Lengths(
        width=width,
        counts=padded.reshape(LENGTH_BINS, width).sum(1).tolist(),
        median=int(np.searchsorted(below, rows / 2)),
        p95=int(np.searchsorted(below, rows * 0.95)),
        longest=longest,
        short=int(counts[:SHORT].sum()),
        limit=manifest.model.max_tokens,
        chunks_per_document=rows / max(1, manifest.account.documents_embedded),
        most_chunks=most,
    )


def _alike(
    left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    size = max(len(left), len(right))
    return np.pad(left, (0, size - len(left))), np.pad(right, (0, size - len(right)))


QUERIES = 200
DEPTH = 10
WORDS = 12
SHOWN = 10


def known_items(sample: Sample, manifest: Manifest, **reader: Any) -> KnownItems | None:  # noqa: ANN401 - see embed_queries
    """Ask for documents of the sample by their title, and see where in it their chunks rank.

    Args:
        sample: Some rows.
        manifest: The dataset's.
        reader: What the reader says of the model, as ``embed_queries`` takes it.

    Returns:
        None for a sample without a document that can be asked for.

    Raises:
        VecmillError: The dataset's model cannot be run here.
    """
    by, asked = _questions(sample)
    if not asked:
        return None
    owners, questions = np.array(list(asked)), list(asked.values())
    output = manifest.model.output
    queries = comparable_vectors(embed_queries(manifest, questions, **reader), output)
    chunks = comparable_vectors(sample.vectors, output)
    ids = np.array(sample.ids)
    best = (ids[highest(score_vectors(chunks, query, output), DEPTH)] for query in queries)
    ranks = np.array([_rank(found == owner) for found, owner in zip(best, owners, strict=True)])
    return KnownItems(
        queries=len(questions),
        by=by,
        rows=len(sample.ids),
        similarity=output.similarity,
        hit_1=float((ranks == 1).mean()),
        hit_10=float((ranks > 0).mean()),
        mrr=float(np.where(ranks > 0, 1 / np.maximum(ranks, 1), 0).mean()),
        missed=[questions[i] for i in np.flatnonzero(ranks == 0)[:SHOWN]],
    )


def _questions(sample: Sample) -> tuple[str, dict[str, str]]:
    """Return what is asked for each of some documents, at equal distances."""
    titled = {id_: title for id_, title in zip(sample.ids, sample.titles, strict=True) if title and title.strip()}
    by, named = "title", titled
    if not titled:
        starts = zip(sample.ids, sample.texts, strict=True)
        by, named = "first words", {id_: " ".join(text.split()[:WORDS]) for id_, text in starts}
    names = list(named)
    chosen = np.unique(np.linspace(0, len(names) - 1, min(QUERIES, len(names))).astype(np.int64))
    return by, {names[i]: named[names[i]] for i in chosen.tolist()}


def _rank(theirs: npt.NDArray[np.bool_]) -> int:
    """Return the rank of the first chunk that is the document's own, from 1; 0 if there is none."""
    return int(theirs.argmax()) + 1 if theirs.any() else 0


def measure(
    path: str | Path,
    *,
    model: str | None = None,
    embedder: str | Mapping[str, Any] | None = None,
    confirm: Callable[[str], bool] | None = None,
) -> Report:
    """Measure a dataset: the length of every chunk; of a sample, how vectors lie and whether documents are found.

    Memory does not grow with the dataset. Time grows with its row count alone, for the vectors are sampled.

    Args:
        path: The dataset's folder.
        model: The dataset's model, as in ``vecmill.search``.
        embedder: Its embedder, in the same way.
        confirm: Asked about what nobody but the manifest names.

    Raises:
        StoreError: There is no finished dataset, or it is empty.
    """
    layout = Layout(Path(path))
    manifest = finished_manifest(layout)
    if not manifest.account.chunks:
        raise StoreError(f"{path} holds no chunks: there is nothing to report on")
    taken = sample(layout.root, manifest)
    found, why_not = _known_items(taken, manifest, {"model": model, "embedder": embedder, "confirm": confirm})
    return Report(
        path=str(path),
        manifest=manifest,
        lengths=lengths(layout.root, manifest),
        geometry=geometry(taken),
        known_items=found,
        why_not=why_not,
    )


def _known_items(taken: Sample, manifest: Manifest, reader: dict[str, Any]) -> tuple[KnownItems | None, str | None]:
    try:
        return known_items(taken, manifest, **reader), None
    except VecmillError as error:
        return None, str(error)
