"""Tests of vecmill.sources.columns."""

import pyarrow as pa
import pytest

from vecmill.sources.columns import dump, extra_fields, load, plain_type

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
