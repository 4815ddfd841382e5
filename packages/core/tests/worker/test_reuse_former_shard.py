"""Vectors are reused from the earlier file of the same shard."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vecmill.records import Document, Span
from vecmill.testing import HashEmbedder
from vecmill.worker.reuse import FormerShard
from vecmill.worker.window import Window

EMBEDDER = HashEmbedder(HashEmbedder.Config())
TEXTS = {"a": ["one", "two", "three"], "c": ["four", "five"], "d": ["six"]}


@pytest.mark.parametrize("group", [1, 2, 4, 100])
def test_every_chunk_that_the_file_has_keeps_its_vector(tmp_path, group):
    """Wherever its row groups end, also within a document; others, and changed texts, are left to the engine."""
    rows = [(id_, text) for id_, texts in TEXTS.items() for text in texts]
    vectors = EMBEDDER.embed([text for _, text in rows])
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
    table = pa.table({"id": [id_ for id_, _ in rows], "text": [text for _, text in rows], "embedding": column})
    pq.write_table(table, tmp_path / "shard.parquet", row_group_size=group)

    window = Window()
    texts = [("a", ["one", "two", "three"]), ("b", ["refused"]), ("c", ["four", "other"]), ("d", ["six"])]
    for row, (id_, chunks) in enumerate(texts):
        text, spans = " ".join(chunks), []
        for chunk in chunks:
            start = text.index(chunk)
            spans.append(Span(start, start + len(chunk)))
        window.add(Document(id_, text), row, spans, "")
    known = FormerShard(tmp_path / "shard.parquet", EMBEDDER.model()).find_known(window)

    order = np.argsort(known.chunks)
    assert known.chunks[order].tolist() == [0, 1, 2, 4, 6]
    np.testing.assert_array_equal(known.vectors[order], EMBEDDER.embed(["one", "two", "three", "four", "six"]))
