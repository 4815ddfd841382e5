"""Changes to a job's keys for one run."""

import pytest

from vecmill.errors import ConfigError
from vecmill.job.config import apply


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("a.b=1", {"a": {"b": 1}}),
        ("a.b=1.5", {"a": {"b": 1.5}}),
        ("a.b=true", {"a": {"b": True}}),
        ("a.b=plain text", {"a": {"b": "plain text"}}),
        ('a.b="quoted"', {"a": {"b": "quoted"}}),
        ("a.b=[1, 2]", {"a": {"b": [1, 2]}}),
        ("a.b=x=y", {"a": {"b": "x=y"}}),
        ("a.b=", {"a": {"b": ""}}),
        ("new.deep.key=1", {"a": {}, "new": {"deep": {"key": 1}}}),
    ],
)
def test_a_value_is_read_as_toml_would(override, expected):
    """Numbers, booleans and lists have their types; the rest is text."""
    assert apply({"a": {}}, [override]) == expected


def test_lists_are_addressed_by_number():
    """--set publish.0.path=… changes the first publisher."""
    assert apply({"publish": [{"path": "a"}]}, ["publish.0.path=b"]) == {"publish": [{"path": "b"}]}


def test_the_original_is_left_alone():
    """Overrides make a new job."""
    keys = {"a": {"b": 1}}
    apply(keys, ["a.b=2"])
    assert keys == {"a": {"b": 1}}


@pytest.mark.parametrize("override", ["a.b", "=1", ".b=1", "a..b=1"])
def test_what_is_no_override_is_refused(override):
    """The form is explained with an example."""
    with pytest.raises(ConfigError, match=r"such as source\.limit=100"):
        apply({"a": {}}, [override])


@pytest.mark.parametrize("override", ["a.b.c=1", "l.7=1", "l.x=1"])
def test_a_place_that_is_not_there_is_refused(override):
    """An override cannot go through a value or past a list's end."""
    with pytest.raises(ConfigError, match="no such key"):
        apply({"a": {"b": 1}, "l": [1]}, [override])
