"""Tests of vecmill.store.ids."""

import pyarrow as pa
import pyarrow.parquet as pq

from vecmill.store import ids
from vecmill.store.layout import Layout


def write(layout, index, count, names, refused=()):
    """Write a shard's ids, and its rows, as a worker would."""
    ids.write_ids(layout, index, [*names, *refused])
    layout.data.mkdir(exist_ok=True)
    pq.write_table(pa.table({"id": [name for name in names for _ in range(2)]}), layout.shard(index, count))


def test_an_id_in_two_shards_is_a_duplicate_in_the_later_one(tmp_path):
    """The first shard keeps the document; each later one is told to set its own aside."""
    layout = Layout(tmp_path)
    for index, names in enumerate([["a", "b"], ["c"], ["b", "d"], ["b", "c"]]):
        write(layout, index, 4, names)
    assert ids.duplicates(layout, range(4), 4) == {2: ["b"], 3: ["b", "c"]}


def test_a_document_that_was_refused_counts_and_one_that_was_never_read_does_not(tmp_path):
    """Both are in quarantine; the ids of the shard tell which is which."""
    layout = Layout(tmp_path)
    layout.shard_quarantine(0).parent.mkdir(parents=True)
    pq.write_table(pa.table({"id": ["refused", "blank", None]}), layout.shard_quarantine(0))
    write(layout, 0, 3, ["a"], refused=["refused"])
    write(layout, 1, 3, ["blank", "refused"])
    write(layout, 2, 3, ["blank"])
    assert ids.duplicates(layout, range(3), 3) == {1: ["refused"], 2: ["blank"]}


def test_equal_hashes_of_different_ids_are_no_duplicates(tmp_path, monkeypatch):
    """When two ids collide in 64 bits, the ids themselves decide."""
    import numpy as np

    monkeypatch.setattr(ids, "hashes", lambda names: np.zeros(len(list(names)), np.uint64))
    layout = Layout(tmp_path)
    write(layout, 0, 2, ["a"])
    write(layout, 1, 2, ["b"])
    assert ids.duplicates(layout, range(2), 2) == {}


def test_no_shards_have_no_duplicates(tmp_path):
    """Nothing in, nothing out."""
    assert ids.duplicates(Layout(tmp_path), [], 0) == {}
