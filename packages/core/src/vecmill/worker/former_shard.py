"""Former shard: the file that a shard has already, whose vectors are used again when the shard is made again."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow.parquet as pq

from vecmill.worker.reuse import Known

if TYPE_CHECKING:
    from pathlib import Path

    from vecmill.records import ModelInfo
    from vecmill.worker.window import Window


class _Rows(NamedTuple):
    """Where a document is, or the part of one that a row group has: the group, its first row there, and its rows."""

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

    def known(self, window: Window) -> Known:
        """Return the chunks of a window that the file has, with their vectors."""
        found: dict[int, list[tuple[int, _Rows]]] = collections.defaultdict(list)
        for position, document in enumerate(window.documents):
            for rows in self._rows.get(document.id, ()):
                found[rows.group].append((position, rows))
        firsts = np.concatenate([[0], np.cumsum(window.chunks)]).tolist()
        chunks: list[int] = []
        vectors = [np.empty((0, self._model.dimension), np.float32)]
        for group, places in sorted(found.items()):
            with pq.ParquetFile(self._path, pre_buffer=False) as file:
                table = file.read_row_group(group, columns=["text", "embedding"])
            taken: list[int] = []
            for position, rows in places:
                texts = table.column("text").slice(rows.start, rows.length).to_pylist()
                numbers = {text: rows.start + number for number, text in enumerate(texts)}
                own = np.arange(firsts[position], firsts[position + 1])
                for chunk, text in zip(own.tolist(), window.texts(own), strict=True):
                    row = numbers.get(text)
                    if row is not None:
                        chunks.append(chunk)
                        taken.append(row)
            column = table.column("embedding").combine_chunks()
            vectors.append(column.flatten().to_numpy().reshape(-1, self._model.dimension)[taken])
        return Known(np.array(chunks, np.int64), np.concatenate(vectors))
