"""Windows of the model's tokens."""

from __future__ import annotations

from itertools import pairwise

import pytest
from pydantic import ValidationError

from vecmill.chunking.windows import TokensChunker
from vecmill.records import Document
from vecmill.testing import check_chunker

TEXT = " ".join("abcdefghijklmnopqrstuvwxyz")


@pytest.fixture
def cut(make):
    """Return the chunks of the alphabet, a letter a word, as text without its spaces."""

    def chunks(text=TEXT, **options):
        spans = make(TokensChunker, **{"max_tokens": 12} | options).spans(Document("1", text))
        return ["".join(text[start:end].split()) for start, end, _ in spans]

    return chunks


def test_it_keeps_the_protocol():
    """What every chunker promises, it does, with overlap and without."""
    check_chunker(TokensChunker)
    check_chunker(TokensChunker, {"overlap": 20})


def test_windows_are_full(cut):
    """Ten words and two special tokens."""
    assert cut() == ["abcdefghij", "klmnopqrst", "uvwxyz"]


def test_paragraphs_do_not_matter(cut):
    """A window goes on over blank lines and sentences."""
    assert cut(TEXT.replace("e f", "e.\n\nf")) == ["abcde.fghij", "klmnopqrst", "uvwxyz"]


def test_a_window_begins_with_the_end_of_the_one_before(cut):
    """Three tokens of overlap."""
    assert cut(overlap=3) == ["abcdefghij", "hijklmnopq", "opqrstuvwx", "vwxyz"]


def test_overlap_gives_way_to_a_long_word(make):
    """Where the next word would not fit beside the overlap, the overlap is smaller."""
    text = "one two three " + "x" * 100
    spans = make(TokensChunker, "gpt", max_tokens=64, overlap=60).spans(Document("1", text))

    assert all(after.end > before.end for before, after in pairwise(spans))
    assert spans[-1].end == len(text)


def test_words_are_whole_where_they_fit(make):
    """BERT's pieces of a word stay together."""
    text = "tokenization embeddings " * 40
    spans = make(TokensChunker, "bert", max_tokens=16).spans(Document("1", text))

    assert {word for start, end, _ in spans for word in text[start:end].split()} == {"tokenization", "embeddings"}


def test_overlap_is_smaller_than_the_window():
    """The error gives both numbers."""
    with pytest.raises(ValidationError, match=r"overlap \(32\) must be smaller than max_tokens \(32\)"):
        TokensChunker.Config(max_tokens=32, overlap=32)
