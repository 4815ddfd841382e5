"""Remembering words: the same counts as without, in bounded memory."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer

from vecmill.models import fast_tokens as token_counters
from vecmill.models.fast_tokens import ExactCounter, WordCounter
from vecmill.testing import AWKWARD_TEXTS


@pytest.fixture(scope="module")
def exact(tokenizer_folders):
    """Return a tokenizer of XLM-R's kind."""
    return Tokenizer.from_file(str(tokenizer_folders["xlmr"] / "tokenizer.json"))


def test_words_are_counted_as_texts_are(exact):
    """On texts with every kind of whitespace, when first met and when remembered."""
    counter = WordCounter(exact)

    first, again = counter.count(AWKWARD_TEXTS), counter.count(AWKWARD_TEXTS)

    assert first.tolist() == again.tolist() == ExactCounter(exact).count(AWKWARD_TEXTS).tolist()


def test_memory_of_words_is_bounded(exact, monkeypatch):
    """A corpus of ever new words does not fill the memory, and what is forgotten is counted anew."""
    monkeypatch.setattr(token_counters, "_REMEMBERED_CHARACTERS", 1000)
    counter = WordCounter(exact)
    texts = [f"word{n} other{n} " * 3 for n in range(2000)]

    counts = [int(counter.count([text])[0]) for text in texts]

    assert counts == ExactCounter(exact).count(texts).tolist()
    assert sum(map(len, counter._known)) <= 1000
