"""Search: the passages of a dataset nearest to a query."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

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

    from vecmill.protocols import Embedder
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

    Exact: every vector is compared, streamed from disk, so memory does not grow with the dataset. For many
    queries over one dataset, a ``Searcher`` is faster.

    Raises:
        StoreError: There is no finished dataset at ``path``.
        ModelError: Its model is not to be had here.
    """
    layout, manifest = _dataset(path)
    vector = embed_query(manifest, query)
    places = _places(layout, manifest)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = pool.map(lambda place: _best(_vectors(layout, manifest, place), vector, place, limit), places)
        best = sorted((found for part in parts for found in part), reverse=True)[:limit]
    return [_passage(layout, manifest, *place) for place in best]


class Searcher:
    """A dataset opened for many queries: its vectors are in memory, 4 bytes a number, and its model is loaded.

    Use it as a context manager, or call ``close``. Searches may come from many threads.

    Args:
        path: The dataset's folder.

    Raises:
        StoreError: There is no finished dataset at ``path``.
        ModelError: Its model is not to be had here.
    """

    def __init__(self, path: str | Path) -> None:
        self._layout, self._manifest = _dataset(path)
        self._places = _places(self._layout, self._manifest)
        rows = [place.rows for place in self._places]
        self._starts = np.cumsum([0, *rows])
        self._vectors = np.empty((sum(rows), self._manifest.model.dimension), np.float32)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(self._fill, range(len(rows))))
        self._stack = ExitStack()
        self._embedder = self._stack.enter_context(_opened(self._manifest))

    def search(self, query: str, limit: int = 3) -> list[Passage]:
        """Return the chunks nearest to a query, best first. Exact: every vector is compared."""
        scores = self._vectors @ _embedded(self._embedder, self._manifest, [query])[0]
        found = []
        for row in _highest(scores, limit).tolist():
            group = int(np.searchsorted(self._starts, row, "right")) - 1
            place = self._places[group]
            found.append((float(scores[row]), -place.shard, -place.group, int(self._starts[group]) - row))
        return [_passage(self._layout, self._manifest, *place) for place in sorted(found, reverse=True)]

    def close(self) -> None:
        """Free the model."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fill(self, group: int) -> None:
        start, end = self._starts[group : group + 2]
        self._vectors[start:end] = _vectors(self._layout, self._manifest, self._places[group])


def embed_query(manifest: Manifest, query: str) -> npt.NDArray[np.float32]:
    """Embed a query as the dataset's model wants it; shape ``(dimension,)``."""
    vector: npt.NDArray[np.float32] = embed_queries(manifest, [query])[0]
    return vector


def embed_queries(manifest: Manifest, queries: Sequence[str]) -> npt.NDArray[np.float32]:
    """Embed queries as the dataset's model wants them; shape ``(queries, dimension)``."""
    with _opened(manifest) as embedder:
        return _embedded(embedder, manifest, queries)


class _Place(NamedTuple):
    """A row group: its shard, its number there, and its rows."""

    shard: int
    group: int
    rows: int


def _dataset(path: str | Path) -> tuple[Layout, Manifest]:
    layout = Layout(Path(path))
    manifest = read_manifest(layout)
    if manifest is None:
        raise StoreError(f"{path} holds no finished dataset: there is no manifest.json")
    return layout, manifest


@contextmanager
def _opened(manifest: Manifest) -> Iterator[Embedder[Any]]:
    recipe, registry = manifest.recipe["embedder"], load().registry
    left_out = {"name", "version", *registry.get("embedder", recipe["name"]).machine}
    options = {key: value for key, value in recipe.items() if key not in left_out}
    embedder: Any = build(registry, "embedder", ComponentSpec(name=recipe["name"], options=options))
    embedder.open()
    try:
        yield embedder
    finally:
        embedder.close()


def _embedded(embedder: Embedder[Any], manifest: Manifest, queries: Sequence[str]) -> npt.NDArray[np.float32]:
    return embedder.embed([manifest.model.query_prompt + query for query in queries])


def _places(layout: Layout, manifest: Manifest) -> list[_Place]:
    footers = (pq.read_metadata(layout.root / entry.path) for entry in manifest.shards)
    return [
        _Place(shard, group, footer.row_group(group).num_rows)
        for shard, footer in enumerate(footers)
        for group in range(footer.num_row_groups)
    ]


def _vectors(layout: Layout, manifest: Manifest, place: _Place) -> npt.NDArray[np.float32]:
    """Return a row group's vectors; files are opened anew, so that threads do not share one."""
    with pq.ParquetFile(layout.root / manifest.shards[place.shard].path, memory_map=True) as file:
        column = file.read_row_group(place.group, columns=["embedding"], use_threads=False).column(0).combine_chunks()
    vectors: npt.NDArray[np.float32] = column.flatten().to_numpy().reshape(place.rows, -1)
    return vectors


def _best(
    vectors: npt.NDArray[np.float32], query: npt.NDArray[np.float32], place: _Place, limit: int
) -> list[tuple[float, int, int, int]]:
    """Return the best few of a row group: score, shard, row group, row."""
    scores = vectors @ query
    return [(float(scores[row]), -place.shard, -place.group, -row) for row in _highest(scores, limit).tolist()]


def _highest(scores: npt.NDArray[np.float32], limit: int) -> npt.NDArray[np.int64]:
    """Return where the highest scores are, best first; of equal ones, the earlier."""
    enough = np.partition(scores, -limit)[-limit] if limit < len(scores) else -np.inf
    candidates = np.flatnonzero(scores >= enough)
    return candidates[np.argsort(-scores[candidates], kind="stable")[:limit]]


def _passage(layout: Layout, manifest: Manifest, score: float, shard: int, group: int, row: int) -> Passage:
    columns = ["id", "title", "url", "chunk_index", "start", "end", "text"]
    file = pq.ParquetFile(layout.root / manifest.shards[-shard].path)
    found = file.read_row_group(-group, columns=columns).slice(-row, 1).to_pylist()[0]
    return Passage(score=score, **found)
