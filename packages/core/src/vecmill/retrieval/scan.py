"""Scan: one query over a dataset on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vecmill.retrieval.query import embed_query
from vecmill.retrieval.ranking import highest
from vecmill.retrieval.row_groups import Hit, RowGroups
from vecmill.threads import Threads

if TYPE_CHECKING:
    from pathlib import Path

    from vecmill.retrieval.row_groups import Passage, RowGroup


def search(path: str | Path, query: str, limit: int = 3, *, model: str | None = None) -> list[Passage]:
    """Embed a query with the dataset's own model and return the nearest chunks, best first.

    Exact: every vector is compared, streamed from disk, so memory does not grow with the dataset. For many
    queries over one dataset, a ``Searcher`` is faster.

    Args:
        path: The dataset's folder.
        query: A question in plain words.
        limit: How many chunks.
        model: Where the dataset's model is on this machine, if the manifest does not tell: a folder.

    Raises:
        StoreError: There is no finished dataset at ``path``.
        ModelError: Its model is not to be had here, or ``model`` is another.
    """
    dataset = RowGroups(path)
    vector = embed_query(dataset.manifest, query, model=model)

    def best(group: RowGroup) -> list[Hit]:
        scores = dataset.vectors(group) @ vector
        return [Hit(-float(scores[row]), group, row) for row in highest(scores, limit).tolist()]

    with Threads() as threads:
        hits = sorted(hit for hits in threads.map(best, dataset.all) for hit in hits)
    return [dataset.passage(hit) for hit in hits[:limit]]
