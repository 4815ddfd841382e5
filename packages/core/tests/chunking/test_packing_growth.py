"""The work of cutting grows with the text and no faster."""

from __future__ import annotations

import pytest

from vecmill.chunking.packing import Budget, Cutting, lines, paragraphs, sentences, words
from vecmill.testing import WordTokenizer

LEVELS = (paragraphs, sentences, lines, words)


class Meter(WordTokenizer):
    """Counts the characters it is asked about."""

    def __init__(self):
        self.characters = self.longest = 0

    def count(self, texts):
        """Count words, and what was asked."""
        self.characters += sum(map(len, texts))
        self.longest = max(self.longest, *map(len, texts))
        return super().count(texts)

    def offsets(self, text):
        """Place words, and note what was asked."""
        self.characters += len(text)
        self.longest = max(self.longest, len(text))
        return super().offsets(text)


@pytest.mark.parametrize(
    "unit", ["x", "word ", "A sentence of words. ", "line\n", "\n\n", "x\n\n", "\0", " ", "\u4e2d\u3002", "\u3000"]
)
def test_each_character_is_counted_a_few_times(unit):
    """In any text of a million characters, and never more than a chunk's worth at once."""
    meter, text = Meter(), unit * (1_000_000 // len(unit))

    blocks = list(Cutting(text, meter, Budget.of(100), LEVELS).blocks())

    assert sum(block.bounds[-1] - block.bounds[0] for block in blocks) == len(text)
    assert meter.characters <= 6 * len(text)
    assert meter.longest <= 1600
