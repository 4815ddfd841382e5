"""Tests of vecmill.store.front_matter: the columns, as a card describes them to ``datasets``."""

import pyarrow as pa
import pytest
import yaml
from datasets import Features

from vecmill.records import Output
from vecmill.store.front_matter import describe_features, dump_yaml

OUTPUTS = (Output(dimension=384, normalized=True, similarity="cosine"),)
KEPT = {
    "lang": pa.string(),
    "score": pa.float64(),
    "half": pa.float16(),
    "seen": pa.timestamp("us", tz="UTC"),
    "day": pa.date32(),
    "price": pa.decimal128(10, 2),
    "raw": pa.large_binary(),
    "good": pa.bool_(),
    "small": pa.uint8(),
    "tags": pa.list_(pa.string()),
    "marks": pa.list_(pa.field("element", pa.int64(), nullable=False)),
}


def vectors(type_):
    """Return a column of vectors."""
    return pa.field("embedding", pa.list_(pa.field("element", type_, nullable=False), 384))


def columns(schema):
    """Return names and types as a manifest has them."""
    return {field.name: str(field.type) for field in schema}


@pytest.mark.parametrize(("variant", "type_"), [("", pa.float32()), ("float16", pa.float16()), ("int8", pa.int8())])
def test_they_are_those_that_datasets_itself_finds(variant, type_):
    """From Arrow, for each kind of column and vectors, and as YAML they come back as they were, the width included."""
    shard = pa.schema([*KEPT.items(), vectors(pa.float32())])
    described = describe_features(columns(shard), OUTPUTS, variant)
    kinds = [*KEPT.items(), vectors(type_), *([("scale", pa.float32())] if variant == "int8" else [])]
    wanted = Features.from_arrow_schema(pa.schema(kinds))
    assert described == wanted._to_yaml_list()
    read = yaml.safe_load(dump_yaml({"features": described}))["features"]
    assert Features._from_yaml_list(read) == wanted
    assert wanted["embedding"].length == 384


@pytest.mark.parametrize("type_", [pa.struct([("a", pa.int8())]), pa.map_(pa.string(), pa.int8()), pa.null()])
def test_what_cannot_be_described_is_left_to_the_files(type_):
    """A wrong description is worse than none."""
    assert describe_features(columns(pa.schema([("odd", type_), vectors(pa.float32())])), OUTPUTS) == []


def test_without_columns_nothing_is_described():
    """A manifest that does not know them."""
    assert describe_features({}, OUTPUTS) == []
