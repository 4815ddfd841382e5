"""Searcher: many queries over a dataset in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from vecmill.retrieval.query import QueryEmbedder
from vecmill.retrieval.ranking import highest
from vecmill.retrieval.row_groups import Hit, RowGroups
from vecmill.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy.typing as npt

    from vecmill.retrieval.row_groups import Passage


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
        rows = [group.rows for group in self._dataset.all]
        self._starts = np.cumsum([0, *rows])
        self._vectors = np.empty((sum(rows), self._dataset.manifest.model.dimension), np.float32)
        with Threads() as threads:
            list(threads.map(self._fill, range(len(rows))))
        self._embedder = QueryEmbedder(self._dataset.manifest, model=model, embedder=embedder, confirm=confirm)

    def search(self, query: str, limit: int = 3) -> list[Passage]:
        """Return the chunks nearest to a query, best first. Exact: every vector is compared."""
        scores = self._vectors @ self._embedder.embed([query])[0]
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
