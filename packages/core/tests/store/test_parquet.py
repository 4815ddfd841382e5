"""Tests of vecmill.store.parquet: shards are written for readers, and are read whoever wrote them."""

import hashlib
import json
import os
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vecmill
from vecmill.errors import StoreError
from vecmill.quality import measure
from vecmill.records import Output
from vecmill.store import parquet as shard
from vecmill.store.layout import Layout
from vecmill.store.parquet import dataset_schema


@pytest.fixture
def forged(job, corpus):
    """Return what puts another file in the place of a dataset's shard, and its size and sha256 into the manifest."""
    dataset = vecmill.run(job(corpus({"id": "1", "text": "one"}, {"id": "2", "text": "two"}))).path

    def forge(content, rows=2, **model):
        manifest = json.loads((dataset / "manifest.json").read_text())
        entry = manifest["shards"][0]
        path = dataset / entry["path"]
        if callable(content):
            pq.write_table(content(pq.read_table(path)), path)
        else:
            path.write_bytes(content)
        data = path.read_bytes()
        entry |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "rows": rows}
        manifest["model"] |= model
        manifest["model"]["outputs"][0] |= model
        (dataset / "manifest.json").write_text(json.dumps(manifest))
        return dataset

    return forge


def replaced(name, values):
    """Return what replaces a column of a table."""
    return lambda table: table.set_column(
        table.column_names.index(name), name, pa.array(values, table.schema.field(name).type)
    )


def uses(dataset):
    """Return what reads a dataset's rows."""
    return (
        lambda: vecmill.search(dataset, "one"),
        lambda: vecmill.Searcher(dataset).search("one"),
        lambda: measure(dataset),
    )


@pytest.mark.fault(
    "input",
    "a dataset's Parquet file has the right sha256 and is none, or has other columns, rows or nulls",
    promise="verify names the file and the error; search and report refuse it in one message.",
)
@pytest.mark.parametrize(
    ("content", "rows", "problem"),
    [
        (b"", 2, ""),
        (b"PAR1" + b"\0" * 90 + b"PAR1", 2, ""),
        (lambda table: table, 3, "it has 2 rows, and the manifest says 3"),
        (lambda table: table.drop_columns(["embedding"]), 2, "its column 'embedding' is missing"),
        (lambda table: table.append_column("text", table.column("text")), 2, "its column 'text' is missing"),
        (replaced("embedding", [[0.5] * 8, None]), 2, ""),
    ],
    ids=["empty", "garbage", "rows", "column", "twice", "null-vector"],
)
def test_a_forged_file_is_told_by_name(forged, content, rows, problem):
    """No error of Arrow's or of numpy's comes out."""
    dataset = forged(content, rows)
    faults = vecmill.verify(dataset).faults
    assert faults
    assert "data/train-00000-of-00001.parquet" in {fault.path for fault in faults}
    for use in uses(dataset):
        with pytest.raises(StoreError, match=rf"train-00000-of-00001\.parquet is not a shard .*{problem}"):
            use()


def test_a_row_that_is_not_complete_is_not_shown(forged):
    """Neither by a search that finds it nor by a report."""
    for use in uses(forged(replaced("title", [None, None]))):
        with pytest.raises(StoreError, match="a row of it is not complete"):
            use()


def test_a_number_of_tokens_that_would_fill_the_memory_is_refused(forged):
    """A report counts chunks by their length."""
    dataset = forged(replaced("tokens", [1, 2**31 - 1]))
    with pytest.raises(StoreError, match="tokens is out of range"):
        measure(dataset)
    assert len(vecmill.search(dataset, "one")) == 2


def test_another_width_than_the_manifests_is_told(forged):
    """A search multiplies no vectors that do not fit."""
    dataset = forged(lambda table: table, dimension=9)
    for use in uses(dataset):
        with pytest.raises(StoreError, match=r"'embedding' is fixed_size_list.*\[8\], not fixed_size_list.*\[9\]"):
            use()


def test_a_pipe_in_place_of_a_manifest_is_not_waited_for(tmp_path):
    """Nor is a manifest read that would fill the memory."""
    os.mkfifo(tmp_path / "manifest.json")
    with pytest.raises(StoreError, match="it is not a file"):
        vecmill.open_dataset(tmp_path)
    (tmp_path / "manifest.json").unlink()
    with (tmp_path / "manifest.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(StoreError, match=r"it has 1,099,511,627,776 bytes"):
        vecmill.open_dataset(tmp_path)


@pytest.mark.fault(
    "input",
    "a small file of somebody else's dataset has a row group of any number of equal vectors",
    promise="search, report and --since refuse it in one message before a row is read, and verify names it.",
)
def test_a_row_group_that_fills_the_memory_is_refused(forged, job, corpus, tmp_path, monkeypatch):
    """Two rows of eight floats are one more than the bound is set to here; row groups of one fit."""
    monkeypatch.setattr("vecmill.store.parquet.MOST_GROUP_BYTES", 8 * 4)
    problem = "one of its row groups has 2 rows, too many to be taken up at once"
    dataset = forged(lambda table: table)
    again = job(corpus({"id": "1", "text": "one"}), publish=[{"name": "parquet", "path": str(tmp_path / "again")}])
    for use in (*uses(dataset), lambda: vecmill.run(again, since=dataset)):
        with pytest.raises(StoreError, match=problem):
            use()
    assert problem in [fault.problem for fault in vecmill.verify(dataset).faults]
    monkeypatch.setattr("vecmill.store.parquet.MOST_GROUP_BYTES", 2 * 8 * 4)
    for use in uses(forged(lambda table: table)):
        use()


DIMENSION = 4
WORDS = [f"word{number}" for number in range(5000)]


def rows(ids):
    """Return the rows of documents: what is in them follows from their numbers."""
    schema, count = dataset_schema([Output(dimension=DIMENSION, normalized=True, similarity="cosine")]), len(ids)
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


@settings(deadline=None)
@given(st.lists(st.one_of(st.integers(0, 50), st.integers(0, 5000)), max_size=60))
def test_row_groups_are_cut_by_bytes(sizes):
    """All rows, in order; no group of several rows is more than twice too large."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shard, "GROUP_BYTES", 1000)
        groups = [*shard.row_groups(np.array(sizes, np.int64))]
    assert [row for group in groups for row in range(group.start, group.stop)] == list(range(len(sizes)))
    for group in groups:
        assert group.stop - group.start == 1 or sum(sizes[group]) <= 2000


def test_rows_of_about_one_size_are_cut_in_equal_numbers():
    """As they were before rows were weighed, to the row."""
    sizes = np.full(7000, 90_000)
    assert {group.stop - group.start for group in [*shard.row_groups(sizes)][:-1]} == {int(200e6 / 90_000)}


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.list_(pa.string()), pa.binary()])
def test_a_large_value_in_many_rows_is_in_the_file_once(tmp_path, kind):
    """Readers see the type that was there, and a file that is no larger than the value and its rows."""
    text = "".join(random.Random(5).choices("abcdefghijklmnop", k=300_000))  # noqa: S311 - repeatable, not secret
    value = [text] if pa.types.is_list(kind) else text.encode() if kind == pa.binary() else text
    table = rows(range(60)).append_column(pa.field("page", kind), pa.array([value] * 60, kind))
    assert shard.large_columns(table, ["title", "page"]) == ["page"]
    layout, sizes = Layout(tmp_path), []
    for large in (["page"], []):
        with shard.parquet_file(layout, layout.shard(0, 1), table.schema, large) as parquet:
            parquet.write_group(table)
        sizes.append(layout.shard(0, 1).stat().st_size)
        assert pq.read_table(layout.shard(0, 1)).equals(table)
        assert pq.read_schema(layout.shard(0, 1)).field("page").type == kind
    assert sizes[0] < 400_000 < sizes[1]
