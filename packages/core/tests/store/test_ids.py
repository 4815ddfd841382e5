"""Tests of vecmill.store.ids."""

import contextlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vecmill.store import ids
from vecmill.store import ids as id_check
from vecmill.store.ids import IdCheck, find_repeated_ids, hash_ids
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
    assert ids.find_duplicates(layout, range(4), 4) == {2: ["b"], 3: ["b", "c"]}


def test_a_document_that_was_refused_counts_and_one_that_was_never_read_does_not(tmp_path):
    """Both are in quarantine; the ids of the shard tell which is which."""
    layout = Layout(tmp_path)
    layout.shard_quarantine(0).parent.mkdir(parents=True)
    pq.write_table(pa.table({"id": ["refused", "blank", None]}), layout.shard_quarantine(0))
    write(layout, 0, 3, ["a"], refused=["refused"])
    write(layout, 1, 3, ["blank", "refused"])
    write(layout, 2, 3, ["blank"])
    assert ids.find_duplicates(layout, range(3), 3) == {1: ["refused"], 2: ["blank"]}


def test_equal_hashes_of_different_ids_are_no_duplicates(tmp_path, monkeypatch):
    """When two ids collide in 64 bits, the ids themselves decide."""
    monkeypatch.setattr(ids, "hash_ids", lambda names: np.zeros(len(list(names)), np.uint64))
    layout = Layout(tmp_path)
    write(layout, 0, 2, ["a"])
    write(layout, 1, 2, ["b"])
    assert ids.find_duplicates(layout, range(2), 2) == {}


def test_no_shards_have_no_duplicates(tmp_path):
    """Nothing in, nothing out."""
    assert ids.find_duplicates(Layout(tmp_path), [], 0) == {}


@pytest.mark.parametrize("room", [1, 3, 50, 1000])
def test_hashes_are_compared_in_parts_that_miss_none(tmp_path, monkeypatch, room):
    """Whatever fits at a time, every hash is in one part, beside its equals, and the same duplicates are found."""
    layout = Layout(tmp_path)
    names = [[str(number) for number in range(100 * index, 100 * index + 110)] for index in range(4)]
    for index, each in enumerate(names):
        write(layout, index, 4, each)
    monkeypatch.setattr(ids, "ROOM", room)
    parts = list(ids._parts(layout, range(4)))
    assert np.array_equal(np.concatenate(parts), np.sort(ids.hash_ids(name for each in names for name in each)))
    assert len(parts) == -(-440 // room)
    assert ids.find_duplicates(layout, range(4), 4) == {index: names[index][:10] for index in (1, 2, 3)}


@pytest.mark.parametrize("room", [8, 64, 1 << 23])
def test_repeated_and_missing_ids_are_found_whatever_fits_at_a_time(monkeypatch, room):
    """In memory or in a file, in one part or in hundreds."""
    monkeypatch.setattr(id_check, "ROOM", room)
    monkeypatch.setattr(id_check, "SPOOL_BYTES", 500)
    with contextlib.closing(IdCheck()) as ids:
        for first in (0, 100, 190):
            ids.add(pa.array([str(number) for number in range(first, first + 100)]))
        ids.require(pa.array(["5", "289", "290", "x", "x"]))
        repeated, missing = ids.compare()
    assert set(repeated) == set(hash_ids(str(number) for number in range(190, 200)))
    assert set(missing) == set(hash_ids(["290", "x"]))


def test_nothing_has_no_repeated_ids():
    """Nor does it have what is required."""
    with contextlib.closing(IdCheck()) as ids:
        ids.require(pa.array(["x"]))
        repeated, missing = ids.compare()
    assert repeated.size == 0
    assert set(missing) == set(hash_ids(["x"]))


def test_of_ids_with_one_hash_the_ids_themselves_decide(monkeypatch):
    """Two ids that collide are two documents."""
    monkeypatch.setattr(id_check, "hash_ids", lambda names: np.zeros(len(list(names)), np.uint64))
    suspects = np.zeros(1, np.uint64)
    assert find_repeated_ids([pa.array(["a", "b"]), pa.array(["c"])], suspects) == []
    assert find_repeated_ids([pa.array(["a", "b"]), pa.array(["c", "a"])], suspects) == ["a"]
