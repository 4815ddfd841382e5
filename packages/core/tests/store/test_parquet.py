"""Tests of vecmill.store.parquet: files that a stranger made, with the sha256 that his manifest says."""

import hashlib
import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import vecmill
from vecmill.errors import StoreError
from vecmill.quality import measure


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
