"""Tests of vecmill.worker.window."""

import pytest

from vecmill.errors import PluginError
from vecmill.records import Document, Span
from vecmill.testing import WordTokenizer
from vecmill.worker.window import Window, check_spans

DOCUMENT = Document("d", "one two  three")


def test_columns_line_up_with_chunks():
    """Places, owners and numbers have one entry for each chunk, in order."""
    window = Window()
    window.add(DOCUMENT, 7, [Span(0, 7), Span(9, 14)], "")
    window.add(Document("e", "four"), 9, [Span(0, 4)], "title ")
    assert window.texts == ["one two", "three", "four"]
    assert window.embedded == ["one two", "three", "title four"]
    assert window.starts.tolist() == [0, 9, 0]
    assert window.ends.tolist() == [7, 14, 4]
    assert window.owners.tolist() == [0, 0, 1]
    assert window.chunk_index.tolist() == [0, 1, 0]
    assert window.rows == [7, 9]


def test_tokens_are_counted_only_where_the_chunker_did_not():
    """A chunker's own count is taken; what is missing is counted with special tokens."""
    window = Window()
    window.add(DOCUMENT, 0, [Span(0, 7, 40), Span(9, 14)], "")
    assert window.tokens(WordTokenizer()).tolist() == [40, 3]


@pytest.mark.parametrize(
    ("spans", "problem"),
    [
        ([], "left out characters 0 to 14"),
        ([Span(0, 7)], "left out characters 7 to 14"),
        ([Span(4, 14)], "left out characters 0 to 4"),
        ([Span(0, 3), Span(9, 14)], "left out characters 3 to 9"),
        ([Span(0, 15)], "span 0:15"),
        ([Span(9, 14), Span(0, 9)], "left out|span"),
        ([Span(0, 0), Span(0, 14)], "span 0:0"),
        ([Span(-1, 14)], "span -1:14"),
        ([Span(0, 7), Span(5, 14), Span(4, 14)], "span 4:14"),
    ],
)
def test_a_chunker_that_breaks_the_law_is_caught(spans, problem):
    """Lost text, empty, backward and outside spans are each an error that names the document."""
    with pytest.raises(PluginError, match=problem) as caught:
        check_spans(DOCUMENT, spans)
    assert "'d'" in str(caught.value)


@pytest.mark.parametrize("spans", [[Span(0, 14)], [Span(0, 7), Span(9, 14)], [Span(0, 9), Span(5, 14)]])
def test_blank_gaps_and_overlaps_are_lawful(spans):
    """Whitespace may be left out, and chunks may overlap."""
    check_spans(DOCUMENT, spans)
