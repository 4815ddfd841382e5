"""Slices of a fixed number of characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from vecmill.chunking.windows import CharactersChunker
from vecmill.records import Document
from vecmill.testing import check_chunker


def test_it_keeps_the_protocol():
    """What every chunker promises, it does."""
    check_chunker(CharactersChunker)
    check_chunker(CharactersChunker, {"size": 7, "overlap": 3})


@given(text=st.text(), size=st.integers(1, 9))
def test_chunks_are_the_slices(make, text, size):
    """Exactly the slices of the text, but for blank ones."""
    spans = make(CharactersChunker, size=size).spans(Document("1", text))

    slices = [text[start : start + size] for start in range(0, len(text), size)]
    assert [text[start:end] for start, end, _ in spans] == [each for each in slices if each.strip()]


def test_chunks_overlap(make):
    """Each begins so many characters before the end of the last, and none is inside another."""
    text = "abcdefghij"
    spans = make(CharactersChunker, size=4, overlap=2).spans(Document("1", text))

    assert [text[start:end] for start, end, _ in spans] == ["abcd", "cdef", "efgh", "ghij"]


@pytest.mark.parametrize("options", [{"size": 0}, {"size": 4, "overlap": 4}, {"overlap": -1}, {"sizes": 4}])
def test_options_that_make_no_sense_are_refused(options):
    """Before any work."""
    with pytest.raises(ValidationError):
        CharactersChunker.Config(**options)
