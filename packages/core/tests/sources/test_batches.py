"""Batches: bounded by rows and bytes; extra columns get types that readers share."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vecmill.sources.batches import (
    BYTES,
    ROWS,
    dump,
    extra_fields,
    load,
    plain_type,
    row_bytes,
    slice_rows,
    split_batch,
)

MEGABYTE = "x" * (1 << 20)


def _batch(texts: list[str | None]) -> pa.RecordBatch:
    return pa.record_batch({"text": pa.array(texts, pa.large_string())})


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([None, "", "a", MEGABYTE, MEGABYTE * 5, MEGABYTE * 12]), max_size=12))
def test_a_batch_is_cut_at_eight_megabytes(texts: list[str | None]) -> None:
    """No batch holds more, but for a single larger document, which is alone in its batch."""
    found = [batch.column("text").to_pylist() for batch in split_batch(_batch(texts))]

    assert [text for batch in found for text in batch] == texts
    assert all(sum(len(text or "") for text in batch) <= BYTES or len(batch) == 1 for batch in found)


def test_a_batch_is_cut_at_a_thousand_rows() -> None:
    """Short documents are counted, not weighed."""
    found = [batch.num_rows for batch in split_batch(_batch(["a"] * 2_500))]

    assert found == [ROWS, ROWS, 500]


@settings(deadline=None)
@given(st.lists(st.integers(1, 5), max_size=8), st.integers(0, 30), st.none() | st.integers(0, 30))
def test_between_is_a_slice_of_the_whole(sizes: list[int], start: int, stop: int | None) -> None:
    """Rows from start to stop are the same whatever batches they come in."""
    numbers = iter(range(sum(sizes)))
    batches = [pa.record_batch({"n": [next(numbers) for _ in range(size)]}) for size in sizes]
    found = [n for batch in slice_rows(batches, start, stop) for n in batch.column("n").to_pylist()]

    assert found == list(range(sum(sizes)))[start:stop]


def test_a_batch_is_cut_by_what_is_carried_along() -> None:
    """Short texts with a page of a megabyte each: eight at a time."""
    batch = pa.record_batch({"text": ["a"] * 40, "page": pa.array([[{"html": MEGABYTE}]] * 40)})

    assert [part.num_rows for part in split_batch(batch)] == [7, 7, 7, 7, 7, 5]


@settings(deadline=None)
@given(
    st.lists(st.none() | st.lists(st.none() | st.text(max_size=5), max_size=4), max_size=8),
    st.integers(0, 8),
    st.sampled_from(["list", "large", "struct", "fixed"]),
)
def test_rows_are_weighed_by_their_strings(values: list[list[str | None] | None], skip: int, kind: str) -> None:
    """However they are nested, and in slices: at least their bytes in UTF-8, and at most eight more for each."""
    made = {
        "list": lambda: pa.array(values, pa.list_(pa.string())),
        "large": lambda: pa.array(values, pa.large_list(pa.large_string())),
        "struct": lambda: pa.array(
            [None if value is None else {"a": value} for value in values], pa.struct([("a", pa.list_(pa.string()))])
        ),
        "fixed": lambda: pa.array([value and (value * 2)[:2] for value in values if value], pa.list_(pa.string(), 2)),
    }[kind]()
    found = row_bytes(pa.record_batch({"values": made.slice(skip)})).tolist()

    for value, size in zip(made.slice(skip).to_pylist(), found, strict=True):
        strings = (value["a"] if isinstance(value, dict) else value) or []
        exact = sum(len(string.encode()) for string in strings if string)
        assert exact <= size <= exact + 8 * len(strings) + 8 or (value is None and kind == "fixed")


STRINGS = pa.list_(pa.field("element", pa.string()))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (pa.int64(), pa.int64()),
        (pa.timestamp("us", "UTC"), pa.timestamp("us", "UTC")),
        (pa.large_string(), pa.large_string()),
        (pa.null(), pa.string()),
        (pa.string_view(), pa.string()),
        (pa.binary_view(), pa.binary()),
        (pa.dictionary(pa.int8(), pa.string()), pa.string()),
        (pa.uuid(), pa.binary(16)),
        (pa.json_(), pa.string()),
        (pa.list_(pa.field("item", pa.dictionary(pa.int8(), pa.string()), nullable=False)), STRINGS),
        (pa.large_list(pa.null()), pa.large_list(pa.string())),
        (pa.list_(pa.string_view(), 2), pa.list_(pa.string(), 2)),
        (pa.map_(pa.string(), pa.int8()), pa.list_(pa.struct([("key", pa.string()), ("value", pa.int8())]))),
        (pa.struct([pa.field("a", pa.string_view(), nullable=False)]), pa.struct([("a", pa.string())])),
    ],
    ids=str,
)
def test_how_a_file_happens_to_hold_a_column_is_left_out(kind, expected):
    """Dictionaries, views, maps, extensions and nulls become what every reader knows, at any depth; and stay that."""
    assert plain_type(kind) == expected
    assert plain_type(expected) == expected
    assert pa.array([None, None], kind).cast(expected).null_count == 2


def test_columns_that_are_read_are_not_carried_along():
    """What is extra_fields is nullable and has no marks of its file, and comes back from JSON as it was."""
    mark = pa.field("lang", pa.string(), nullable=False, metadata={"PARQUET:field_id": "7"})
    found = extra_fields(
        pa.schema([*((name, pa.string()) for name in ("id", "text", "url", "title", "problem")), mark])
    )
    assert [(field.name, field.type, field.nullable, field.metadata) for field in found] == [
        ("lang", pa.string(), True, None)
    ]
    assert load(dump(found)) == found
    assert load(dump([])) == []
