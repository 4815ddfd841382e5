"""Batches: bounded in rows and bytes."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from vecmill.sources.batches import BYTES, ROWS, between, bounded

MEGABYTE = "x" * (1 << 20)


def _batch(texts: list[str | None]) -> pa.RecordBatch:
    return pa.record_batch({"text": pa.array(texts, pa.large_string())})


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([None, "", "a", MEGABYTE, MEGABYTE * 5, MEGABYTE * 12]), max_size=12))
def test_a_batch_is_cut_at_eight_megabytes(texts: list[str | None]) -> None:
    """No batch holds more, but for a single larger document, which is alone in its batch."""
    found = [batch.column("text").to_pylist() for batch in bounded(_batch(texts))]

    assert [text for batch in found for text in batch] == texts
    assert all(sum(len(text or "") for text in batch) <= BYTES or len(batch) == 1 for batch in found)


def test_a_batch_is_cut_at_a_thousand_rows() -> None:
    """Short documents are counted, not weighed."""
    found = [batch.num_rows for batch in bounded(_batch(["a"] * 2_500))]

    assert found == [ROWS, ROWS, 500]


@settings(deadline=None)
@given(st.lists(st.integers(1, 5), max_size=8), st.integers(0, 30), st.none() | st.integers(0, 30))
def test_between_is_a_slice_of_the_whole(sizes: list[int], start: int, stop: int | None) -> None:
    """Rows from start to stop are the same whatever batches they come in."""
    numbers = iter(range(sum(sizes)))
    batches = [pa.record_batch({"n": [next(numbers) for _ in range(size)]}) for size in sizes]
    found = [n for batch in between(batches, start, stop) for n in batch.column("n").to_pylist()]

    assert found == list(range(sum(sizes)))[start:stop]
