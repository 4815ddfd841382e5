"""Search: the passages of a dataset nearest to a query."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from vecmill.errors import StoreError
from vecmill.plugins import load
from vecmill.plugins.build import build
from vecmill.records import ComponentSpec
from vecmill.store.json import read_manifest
from vecmill.store.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from vecmill.records import Manifest


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


def search(path: str | Path, query: str, limit: int = 3) -> list[Passage]:
    """Embed a query with the dataset's own model and return the nearest chunks, best first.

    Exact: every vector is compared, streamed from disk, so memory does not grow with the dataset.

    Raises:
        StoreError: There is no finished dataset at ``path``.
        ModelError: Its model is not to be had here.
    """
    layout = Layout(Path(path))
    manifest = read_manifest(layout)
    if manifest is None:
        raise StoreError(f"{path} holds no finished dataset: there is no manifest.json")
    vector = embed_query(manifest, query)
    best = sorted(_scores(layout, manifest, vector, limit), reverse=True)[:limit]
    return [_passage(layout, manifest, *place) for place in best]


def embed_query(manifest: Manifest, query: str) -> npt.NDArray[np.float32]:
    """Embed a query as the dataset's model wants it; shape ``(dimension,)``."""
    vector: npt.NDArray[np.float32] = embed_queries(manifest, [query])[0]
    return vector


def embed_queries(manifest: Manifest, queries: Sequence[str]) -> npt.NDArray[np.float32]:
    """Embed queries as the dataset's model wants them; shape ``(queries, dimension)``."""
    recipe, registry = manifest.recipe["embedder"], load().registry
    left_out = {"name", "version", *registry.get("embedder", recipe["name"]).machine}
    options = {key: value for key, value in recipe.items() if key not in left_out}
    spec = ComponentSpec(name=recipe["name"], options=options)
    embedder: Any = build(registry, "embedder", spec)
    embedder.open()
    try:
        vectors: npt.NDArray[np.float32] = embedder.embed([manifest.model.query_prompt + query for query in queries])
        return vectors
    finally:
        embedder.close()


def _scores(
    layout: Layout, manifest: Manifest, vector: npt.NDArray[np.float32], limit: int
) -> Iterator[tuple[float, int, int, int]]:
    """Yield the best few of each row group: score, shard, row group, row."""
    for shard, entry in enumerate(manifest.shards):
        file = pq.ParquetFile(layout.root / entry.path, memory_map=True)
        for group in range(file.num_row_groups):
            column = file.read_row_group(group, columns=["embedding"]).column(0).combine_chunks()
            scores = column.flatten().to_numpy().reshape(-1, len(vector)) @ vector
            for row in np.argsort(-scores, kind="stable")[:limit]:
                yield float(scores[row]), -shard, -group, -int(row)


def _passage(layout: Layout, manifest: Manifest, score: float, shard: int, group: int, row: int) -> Passage:
    columns = ["id", "title", "url", "chunk_index", "start", "end", "text"]
    file = pq.ParquetFile(layout.root / manifest.shards[-shard].path)
    found = file.read_row_group(-group, columns=columns).slice(-row, 1).to_pylist()[0]
    return Passage(score=score, **found)
