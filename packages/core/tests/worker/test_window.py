"""Tests of vecmill.worker.window."""

import numpy as np

from vecmill.records import Document, Span
from vecmill.testing import WordTokenizer
from vecmill.worker.window import Window

DOCUMENT = Document("d", "one two  three")


def test_columns_line_up_with_chunks():
    """Places, owners and numbers have one entry for each chunk, in order."""
    window = Window()
    window.add(DOCUMENT, 7, [Span(0, 7), Span(9, 14)], "")
    window.add(Document("e", "four"), 9, [Span(0, 4)], "title ")
    assert window.texts(np.arange(3)) == ["one two", "three", "four"]
    assert window.embedded_texts(np.array([2, 0])) == ["title four", "one two"]
    assert len(window) == 3
    assert window.starts.tolist() == [0, 9, 0]
    assert window.ends.tolist() == [7, 14, 4]
    assert window.owners.tolist() == [0, 0, 1]
    assert window.chunk_index.tolist() == [0, 1, 0]
    assert window.rows == [7, 9]


def test_bytes_of_texts_are_those_of_their_utf8():
    """Whether a document is ASCII or not, and whatever lies between its chunks."""
    window = Window()
    window.add(DOCUMENT, 0, [Span(0, 7), Span(9, 14)], "title ")
    window.add(Document("e", "né 🎉 ok"), 1, [Span(0, 2), Span(3, 4), Span(5, 7)], "")
    window.add(Document("f", "   "), 2, [], "")
    assert window.text_bytes().tolist() == [7, 5, 3, 4, 2]
    assert Window().text_bytes().tolist() == []


def test_tokens_are_counted_only_where_the_chunker_did_not():
    """A chunker's own count is taken; what is missing is counted with special tokens."""
    window = Window()
    window.add(DOCUMENT, 0, [Span(0, 7, 40), Span(9, 14)], "")
    assert window.tokens(WordTokenizer()).tolist() == [40, 3]
