"""Tests of vecmill.plugins.build."""

import pytest

from vecmill.errors import ConfigError
from vecmill.plugins.build import build, options
from vecmill.plugins.registry import Registry
from vecmill.records import ComponentSpec
from vecmill.sources.parquet import ParquetSource
from vecmill.testing import HashEmbedder


def test_options_become_a_component():
    """Name and options make an instance."""
    registry = Registry()
    registry.add("embedder", HashEmbedder, "p")
    made = build(registry, "embedder", ComponentSpec(name="hash", options={"dimension": 5}))
    assert made.config.dimension == 5


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"dimention": 5},
            r"embedder.dimention: unknown key; did you mean 'dimension'\? allowed: dimension, max_tokens",
        ),
        ({"dimension": "wide"}, "embedder.dimension: input should be a valid integer.*found 'wide'"),
        ({"dimension": 5, "zzz": 1}, "embedder.zzz: unknown key; allowed: dimension"),
    ],
)
def test_a_wrong_option_is_named_with_what_was_found_and_what_is_allowed(values, message):
    """Unknown keys and wrong types are told apart and explained."""
    with pytest.raises(ConfigError, match=message):
        options(HashEmbedder, "embedder", values)


def test_a_wrong_key_within_an_option_is_told_by_its_place():
    """As a job file or ``--set`` would write it."""
    with pytest.raises(ConfigError, match=r"^source\.columns\.txt: input should be 'id', 'text', 'url' or 'title'"):
        options(ParquetSource, "source", {"path": "a.parquet", "columns": {"txt": "body"}})


def test_every_wrong_option_is_told_at_once():
    """Two faults, two lines."""
    with pytest.raises(ConfigError) as caught:
        options(HashEmbedder, "embedder", {"dimension": "x", "max_tokens": "y"})
    assert len(str(caught.value).splitlines()) == 2
