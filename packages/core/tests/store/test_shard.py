"""Shards are written for readers."""

import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vecmill.store import shard
from vecmill.store.layout import Layout
from vecmill.store.schema import dataset_schema

DIMENSION = 4
WORDS = [f"word{number}" for number in range(5000)]


def rows(ids):
    """Return the rows of documents: what is in them follows from their numbers."""
    schema, count = dataset_schema(DIMENSION), len(ids)
    texts = [" ".join(random.Random(each).choices(WORDS, k=200)) for each in ids]  # noqa: S311 - repeatable, not secret
    vectors = np.concatenate([np.random.default_rng(each).standard_normal(DIMENSION, np.float32) for each in ids])
    columns = {
        "id": [str(each) for each in ids],
        "url": [f"http://x/{each}" for each in ids],
        "title": [f"Title {each}" for each in ids],
        "chunk_index": pa.array([0] * count, pa.int32()),
        "start": pa.array([0] * count, pa.int64()),
        "end": [len(text) for text in texts],
        "text": texts,
        "tokens": pa.array([200] * count, pa.int32()),
        "embedding": pa.FixedSizeListArray.from_arrays(pa.array(vectors), type=schema.field("embedding").type),
    }
    return pa.table(columns, schema=schema)


@pytest.fixture
def write(tmp_path):
    """Write a table as a shard, and return its path."""

    def make(table, name="out"):
        layout = Layout(tmp_path / name)
        with shard.parquet_file(layout, layout.shard(0, 1), table.schema) as parquet:
            parquet.write(table)
        return layout.shard(0, 1)

    return make


def test_a_shard_is_compressed_indexed_and_keeps_the_vectors_width(write):
    """Zstandard, a page index, vectors split by byte, and the Arrow schema as it was."""
    table = rows(range(50))
    path = write(table)
    group = pq.ParquetFile(path).metadata.row_group(0)
    columns = {column.path_in_schema: column for column in map(group.column, range(group.num_columns))}
    assert len(columns) == len(table.schema)
    for column in columns.values():
        assert column.compression == "ZSTD"
        assert column.has_offset_index
    assert "BYTE_STREAM_SPLIT" in columns["embedding.list.element"].encodings
    assert columns["title"].has_column_index
    assert pq.read_table(path).schema == table.schema
    assert pq.read_schema(path).field("embedding").type.list_size == DIMENSION


def test_row_groups_are_no_larger_than_readers_take(write, monkeypatch):
    """A table of one huge document becomes several of them, and the same rows."""
    table = rows(range(100))
    monkeypatch.setattr(shard, "GROUP_BYTES", table.nbytes / 4)
    file = pq.ParquetFile(write(table))
    assert file.num_row_groups > 3
    assert file.read() == table


def test_rows_that_come_between_leave_the_rest_as_it_was(write):
    """Two new rows: nine tenths of the bytes are bytes of the old file, and need not be sent again."""
    ids = list(range(3000))
    old = write(rows(ids), "old").read_bytes()
    new = write(rows([*ids[:1000], 90_001, 90_002, *ids[1000:]]), "new").read_bytes()
    chance = random.Random(2026)  # noqa: S311 - repeatable, not secret
    places = [chance.randrange(len(old) - 256) for _ in range(200)]
    assert sum(old[place : place + 256] in new for place in places) > 0.8 * len(places)
