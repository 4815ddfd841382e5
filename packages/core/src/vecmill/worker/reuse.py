"""Reuse: vectors of chunks that an earlier dataset, or an earlier attempt at the shard, has."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from vecmill.errors import ReuseError
from vecmill.store.reuse_index import hash_chunks
from vecmill.store.vectors import check_vectors, compare_vectors, empty_vectors, from_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from vecmill.records import Document, ModelInfo, ShardTask
    from vecmill.store.reuse_index import DocumentRows, EarlierDataset
    from vecmill.worker.window import Window


class _Rows(NamedTuple):
    """Where a document is, or the part of one in a row group: the group, its first row there, and how many rows."""

    group: int
    start: int
    length: int


class FormerShard:
    """Looks up a window's documents in the shard's own file, so that only what the engine refused is embedded.

    The file is of the same run, so a chunk of the same document with the same text has the same vector.
    """

    def __init__(self, path: Path, model: ModelInfo) -> None:
        self._path = path
        self._model = model
        self._rows: dict[str, list[_Rows]] = collections.defaultdict(list)
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for group in range(file.num_row_groups):
                ids = file.read_row_group(group, columns=["id"]).column("id").to_pylist()
                firsts: dict[str, int] = {}
                for row, id_ in enumerate(ids):
                    firsts.setdefault(id_, row)
                counts = collections.Counter(ids)
                for id_, first in firsts.items():
                    self._rows[id_].append(_Rows(group, first, counts[id_]))

    def find_known(self, window: Window) -> Known:
        """Return the chunks of a window that the file has, with their vectors."""
        found: dict[int, list[tuple[int, _Rows]]] = collections.defaultdict(list)
        for position, document in enumerate(window.documents):
            for rows in self._rows.get(document.id, ()):
                found[rows.group].append((position, rows))
        firsts = np.concatenate([[0], np.cumsum(window.chunks)]).tolist()
        chunks: list[int] = []
        vectors = [empty_vectors(self._model.output, 0)]
        for group, spans in sorted(found.items()):
            with pq.ParquetFile(self._path, pre_buffer=False) as file:
                table = file.read_row_group(group, columns=["text", self._model.output.name])
            taken: list[int] = []
            for position, rows in spans:
                texts = table.column("text").slice(rows.start, rows.length).to_pylist()
                numbers = {text: rows.start + number for number, text in enumerate(texts)}
                own = np.arange(firsts[position], firsts[position + 1])
                for chunk, text in zip(own.tolist(), window.texts(own), strict=True):
                    row = numbers.get(text)
                    if row is not None:
                        chunks.append(chunk)
                        taken.append(row)
            vectors.append(from_column(table.column(self._model.output.name), self._model.output)[taken])
        return Known(np.array(chunks, np.int64), np.concatenate(vectors))


ROWS = 8192
"""Rows of the earlier dataset in memory at a time, however many it has of a document."""
SHARE = 0.01
"""Of the reused chunks of a window, embedded again."""
FEWEST = 256
"""Chunks that a run embeds again at least, if it reuses as many."""
FEWEST_IN_A_SHARD = 16


class Known(NamedTuple):
    """Chunks of a window by number, ascending, the vectors they had, and which of them are checked.

    Attributes:
        chunks: Shape ``(chunks,)``.
        vectors: Shape ``(chunks, dimension)``.
        sample: Positions in both.
    """

    chunks: npt.NDArray[np.int64]
    vectors: npt.NDArray[np.float32]
    sample: npt.NDArray[np.int64] = np.empty(0, np.int64)


Check = Callable[[Known, "Window", npt.NDArray[np.float32], dict[int, str]], None]
"""Compares the vectors of a sample with those that the engine gives now, and with the reasons where it gives none."""


class Reuse:
    """Looks up a window's documents in an earlier dataset.

    The vector of a chunk depends on the model and on what is embedded, which is the title and the text. A chunk of
    a document with the same id, title and text therefore has the same vector, wherever in the document it is now.

    That is so if the dataset is what it says. Who made it may not be known, so some of the vectors are compared with
    those that the engine gives now. Which ones is left to chance, and nobody knows before the run.
    """

    def __init__(self, earlier: EarlierDataset, task: ShardTask, model: ModelInfo) -> None:
        self._earlier = earlier
        self._model = model
        self._trusted = task.spec.trust_vectors
        self._chance = np.random.default_rng([task.spec.seed, task.index])
        self._fewest = max(FEWEST_IN_A_SHARD, -(-FEWEST // task.count))

    @property
    def run_id(self) -> str:
        """Of the earlier run."""
        return self._earlier.run_id

    @property
    def shards(self) -> str:
        """The digest of its shards."""
        return self._earlier.digest

    def find_known(self, window: Window) -> Known:
        """Return the chunks of a window that need not be embedded, without those whose vectors are unfit."""
        found = list(self._earlier.find([document.id for document in window.documents]))
        wanted = _index_wanted(window, [document for document, _ in found])
        chunks: list[int] = []
        vectors = [empty_vectors(self._model.output, 0)]
        for rows in _iterate_rows(sorted(span for _, span in found)):
            records = self._earlier.fetch(rows)
            here = [(chunk, row) for row, key in enumerate(records["digest"].tolist()) for chunk in wanted.pop(key, ())]
            chunks += [chunk for chunk, _ in here]
            vectors.append(records["vector"][[row for _, row in here]])
        return self._sample_chunks(np.array(chunks, np.int64), np.concatenate(vectors))

    def check(self, known: Known, window: Window, again: npt.NDArray[np.float32], failed: dict[int, str]) -> None:
        """Compare vectors of the sample with those that the engine gives its chunks now.

        Args:
            known: What is reused.
            window: Its chunks.
            again: The sample's vectors by the engine, shape ``(sample, dimension)``.
            failed: Why the engine gives no vector, by position in the sample.

        Raises:
            ReuseError: A vector differs, or the engine refuses its text.
        """
        wrong, cosines, lengths = compare_vectors(known.vectors[known.sample], again, self._model.precision)
        wrong[list(failed)] = True
        if wrong.any():
            worst = int(np.argmin(np.where(wrong, cosines, np.inf)))
            seen = failed.get(worst) or f"cosine {cosines[worst]:.4f}, length {lengths[worst]:.4f}"
            raise self._refusal(window, int(known.chunks[known.sample[worst]]), seen, int(wrong.sum()), len(wrong))

    def _refusal(self, window: Window, chunk: int, seen: str, wrong: int, checked: int) -> ReuseError:
        document, number = window.documents[window.owners[chunk]], window.chunk_index[chunk]
        return ReuseError(
            f"{ReuseError.HEAD} {self._earlier.root} (run {self.run_id}): chunk {number} of document {document.id!r} "
            f"has another vector there than the model gives it ({seen}; {wrong} of {checked} compared chunks): run "
            "without --since, which embeds all chunks, or with --trust-vectors, which reuses those vectors unchecked"
        )

    def _sample_chunks(self, chunks: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32]) -> Known:
        bad = check_vectors(vectors, self._model.output)
        fit = np.setdiff1d(np.arange(len(chunks)), np.array(list(bad), np.int64))
        fit = fit[np.argsort(chunks[fit])]
        size = 0 if self._trusted else min(len(fit), max(self._fewest, int(np.ceil(SHARE * len(fit)))))
        self._fewest = max(0, self._fewest - size)
        sample = np.sort(self._chance.choice(len(fit), size, replace=False))
        return Known(chunks[fit], vectors[fit], sample)


def _index_wanted(window: Window, documents: Iterable[int]) -> dict[bytes, list[int]]:
    """Return the chunks of some of a window's documents, by the digest that identifies them."""
    wanted: dict[bytes, list[int]] = {}
    firsts = np.concatenate([[0], np.cumsum(window.chunks)]).tolist()
    for number in documents:
        document: Document = window.documents[number]
        chunks = np.arange(firsts[number], firsts[number + 1])
        keys = hash_chunks(document.id, document.title, window.texts(chunks))
        for chunk, key in zip(chunks.tolist(), keys, strict=True):
            wanted.setdefault(key, []).append(chunk)
    return wanted


def _iterate_rows(spans: Iterable[DocumentRows]) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the rows of spans, ``ROWS`` at a time."""
    pending = np.empty(0, np.int64)
    for row, rows in spans:
        for start in range(row, row + rows, ROWS):
            pending = np.concatenate([pending, np.arange(start, min(start + ROWS, row + rows))])
            while len(pending) >= ROWS:
                yield pending[:ROWS]
                pending = pending[ROWS:]
    if len(pending):
        yield pending
