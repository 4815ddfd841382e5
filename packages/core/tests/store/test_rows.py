"""Tests of vecmill.store.rows: whether each id is there once."""

import contextlib

import numpy as np
import pyarrow as pa
import pytest

from vecmill.store import rows
from vecmill.store.rows import IdCheck, find_repeated_ids
from vecmill.store.state import hash_ids


@pytest.mark.parametrize("room", [8, 64, 1 << 23])
def test_repeated_and_missing_ids_are_found_whatever_fits_at_a_time(monkeypatch, room):
    """In memory or in a file, in one part or in hundreds."""
    monkeypatch.setattr(rows, "ROOM", room)
    monkeypatch.setattr(rows, "SPOOL_BYTES", 500)
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
    monkeypatch.setattr(rows, "hash_ids", lambda names: np.zeros(len(list(names)), np.uint64))
    suspects = np.zeros(1, np.uint64)
    assert find_repeated_ids([pa.array(["a", "b"]), pa.array(["c"])], suspects) == []
    assert find_repeated_ids([pa.array(["a", "b"]), pa.array(["c", "a"])], suspects) == ["a"]
