"""Where a text may be cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.chunking import packing as cuts
from vecmill.chunking.paragraphs import is_heading

LEVELS = {"paragraphs": cuts.paragraphs, "sentences": cuts.sentences, "lines": cuts.lines, "words": cuts.words}


def parts(cutter, text):
    """Return the parts of a whole text."""
    places = cutter(text, 0, len(text))
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


@pytest.mark.parametrize("cutter", LEVELS.values(), ids=LEVELS)
@given(text=st.text() | st.text('ab.\n \u3002"\r'), ends=st.tuples(st.integers(0, 50), st.integers(0, 50)).map(sorted))
def test_places_are_in_order_and_within(cutter, text, ends):
    """Strictly between start and end, so that no part is empty."""
    start, end = (min(place, len(text)) for place in ends)

    places = cutter(text, start, end)

    assert places == sorted(set(places))
    assert all(start < place < end for place in places)
    assert cutter not in cuts.ALWAYS_CLEAN or cuts.are_clean(text, places)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One. ", "Two! ", "Three?"]),
        ('He said "no." She left (why?) at 3.14 sharp.', ['He said "no." ', "She left (why?) ", "at 3.14 sharp."]),
        (
            "\u4eca\u5929\u3002\u660e\u5929\uff01\u300d\u540e\u5929",
            ["\u4eca\u5929\u3002", "\u660e\u5929\uff01\u300d", "\u540e\u5929"],
        ),
        ("And so on... until\nthe end", ["And so on... ", "until\nthe end"]),
    ],
)
def test_sentences(text, sentences):
    """After a mark, the quotes that close with it, and one space; in Chinese, no space is needed."""
    assert parts(cuts.sentences, text) == sentences


def test_words_keep_the_space_before_them():
    """As byte-level models count them."""
    assert parts(cuts.words, "one two\n  three ") == ["one", " two\n ", " three "]


@given(unit=st.sampled_from(["word ", "x", "line\n", "para\n\n"]), size=st.integers(0, 3 * cuts.BLOCK_CHARACTERS))
def test_blocks_are_bounded_and_leave_nothing_out(unit, size):
    """They follow each other, from the first character to the last, and are cut between words if there are any."""
    text = unit * (size // len(unit))

    blocks = list(cuts.split_blocks(text))

    assert [start for start, _ in blocks] == [0, *(end for _, end in blocks[:-1])]
    assert blocks[-1][1] == len(text)
    assert all(end - start <= cuts.BLOCK_CHARACTERS for start, end in blocks)
    assert unit == "x" or cuts.are_clean(text, [end for _, end in blocks[:-1]])


@pytest.mark.parametrize("text", ["History", "# Usage #", "Title\n=====", "3.1 Scope"])
def test_headings(text):
    """Short lines that end without a mark."""
    assert is_heading(f"..{text}\n\n", 2, len(text) + 4)


@pytest.mark.parametrize("text", ["A sentence.", "two\nlines", "as follows:", "x" * 200, "-----", ""])
def test_not_headings(text):
    """Sentences, several lines, long ones, rules."""
    assert not is_heading(text, 0, len(text))
