"""Reuse: vectors of chunks that an earlier run has embedded already."""

from __future__ import annotations

import collections
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vecmill.store.earlier import Earlier
from vecmill.store.layout import Layout
from vecmill.store.vectors import check_vectors

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    from vecmill.records import ModelInfo, WorkSpec
    from vecmill.store.earlier import Place
    from vecmill.worker.window import Window

WORTH = 1000
"""A row group is read if it promises one row in so many: for fewer, the engine is quicker than the disk."""


class Known(NamedTuple):
    """Chunks of a window by number, and the vectors they had, shape ``(chunks, dimension)``."""

    chunks: npt.NDArray[np.int64]
    vectors: npt.NDArray[np.float32]


class Reuse:
    """Looks up a window's documents in an earlier dataset.

    The vector of a chunk depends on the model and on what is embedded, which is the title and the text. A chunk of
    a document with the same id, title and text therefore has the same vector, wherever in the document it is now.
    """

    def __init__(self, spec: WorkSpec, model: ModelInfo) -> None:
        assert spec.since is not None  # noqa: S101 - the caller has looked
        self._earlier = Earlier(Layout(Path(spec.since)), Layout(Path(spec.directory)).earlier)
        self._model = model

    def known(self, window: Window) -> Known:
        """Return the chunks of a window that need not be embedded."""
        places: dict[tuple[int, int], list[tuple[int, Place]]] = collections.defaultdict(list)
        for document, place in self._earlier.find([document.id for document in window.documents]):
            places[place.shard, place.group].append((document, place))
        firsts = np.concatenate([[0], np.cumsum(window.chunks)])
        chunks: list[int] = []
        vectors = [np.empty((0, self._model.dimension), np.float32)]
        for (shard, group), found in sorted(places.items()):
            if sum(place.rows for _, place in found) * WORTH >= self._earlier.rows(shard, group):
                here, made = self._group(self._earlier.read(shard, group), window, firsts, found)
                chunks += here
                vectors.append(made)
        return self._sound(Known(np.array(chunks, np.int64), np.concatenate(vectors)))

    def _group(
        self, table: pa.Table, window: Window, firsts: npt.NDArray[np.int64], found: list[tuple[int, Place]]
    ) -> tuple[list[int], npt.NDArray[np.float32]]:
        chunks: list[int] = []
        rows: list[int] = []
        for document, place in found:
            texts = _texts(table, place, window.documents[document].id, window.documents[document].title)
            for chunk in range(firsts[document], firsts[document + 1]) if texts else ():
                row = texts.get(window.text(chunk))
                if row is not None:
                    chunks.append(chunk)
                    rows.append(row)
        column = table.column("embedding").combine_chunks()
        every = column.flatten().to_numpy().reshape(-1, self._model.dimension)
        return chunks, every[rows]

    def _sound(self, known: Known) -> Known:
        """Leave out vectors that are not fit to be kept; their chunks are embedded again."""
        bad = check_vectors(known.vectors, normalized=self._model.normalized)
        kept = np.setdiff1d(np.arange(len(known.chunks)), np.array(list(bad), np.int64))
        return Known(known.chunks[kept], known.vectors[kept])


def _texts(table: pa.Table, place: Place, id_: str, title: str) -> dict[str, int]:
    """Return the rows of a document by their text; none if it is another one, or has another title."""
    part = table.slice(place.start, place.rows).select(["id", "title", "text"])
    ids, titles, texts = (part.column(name).to_pylist() for name in ("id", "title", "text"))
    if any(other != id_ for other in ids) or titles[0] != title:
        return {}
    return {text: place.start + number for number, text in enumerate(texts)}
