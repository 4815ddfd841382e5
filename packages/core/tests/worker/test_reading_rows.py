"""Rows become documents, or are quarantined with a reason."""

import pyarrow as pa
import pytest

from vecmill.records import Document
from vecmill.testing import WordTokenizer
from vecmill.worker.reading import Rejected, iterate_documents


def rows(**columns):
    """Read one batch."""
    return list(iterate_documents(pa.record_batch(columns), WordTokenizer()))


def test_a_good_row_is_a_document():
    """Null titles and urls, and columns that are not there, are empty strings."""
    batch = pa.record_batch({"id": ["1"], "text": ["a"], "title": pa.array([None], pa.string())})
    assert list(iterate_documents(batch, WordTokenizer())) == [Document("1", "a", "", "")]


@pytest.mark.parametrize(
    ("id_", "text", "reason"),
    [
        ("1", None, "null text"),
        ("1", "", "blank text"),
        ("1", " \n\t\u00a0\u2003", "blank text"),
        (None, "a", "null id"),
        ("", "a", "null id"),
    ],
)
def test_a_row_that_cannot_be_embedded_is_set_aside_with_its_reason(id_, text, reason):
    """Null and blank values are rejected by name, and keep what they have."""
    (item,) = iterate_documents(
        pa.record_batch({"id": pa.array([id_], pa.string()), "text": pa.array([text], pa.string())}), WordTokenizer()
    )
    assert isinstance(item, Rejected)
    assert (item.reason, item.id, item.text) == (reason, id_, text)


def test_what_the_source_could_not_read_keeps_the_sources_words():
    """A row with a problem is set aside with the source's own sentence."""
    (item,) = rows(id=["f:3"], text=["x"], problem=["f line 3 is not valid JSON"])
    assert item == Rejected("unreadable", "f line 3 is not valid JSON", "f:3", None, None, "x")


def test_invalid_utf8_is_set_aside_escaped_and_its_neighbours_are_not():
    """Bytes that are no Unicode take only their own row with them."""
    text = pa.array([b"good", b"bad \xff"], pa.binary()).view(pa.string())
    first, second = rows(id=["1", "2"], text=text)
    assert first == Document("1", "good")
    assert (second.reason, second.text) == ("invalid unicode", "bad \\xff")
