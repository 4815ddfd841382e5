"""Scan: one query over a dataset on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vecmill.retrieval.query import embed_query
from vecmill.retrieval.ranking import highest
from vecmill.retrieval.row_groups import Hit, RowGroups
from vecmill.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from vecmill.retrieval.row_groups import Passage, RowGroup


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
        query: A question in plain words.
        limit: How many chunks.
        model: The dataset's model, if no run of this user made it here: a Hub id, or a folder.
        embedder: The embedder's name or options, in the same way, such as ``{"url": "http://…"}``.
        confirm: Given a question, whether to use what nobody but the manifest names; without it, that is refused.

    Raises:
        StoreError: There is no finished dataset at ``path``.
        ModelError: Its model is not to be had here, is another, or is named by nobody but the manifest.
    """
    dataset = RowGroups(path)
    vector = embed_query(dataset.manifest, query, model=model, embedder=embedder, confirm=confirm)

    def best(group: RowGroup) -> list[Hit]:
        scores = dataset.vectors(group) @ vector
        return [Hit(-float(scores[row]), group, row) for row in highest(scores, limit).tolist()]

    with Threads() as threads:
        hits = sorted(hit for hits in threads.map(best, dataset.all) for hit in hits)
    return [dataset.passage(hit) for hit in hits[:limit]]
