"""Texts are cut to the model's longest input."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vecmill.tei.embedder import cut_texts
from vecmill.testing import AWKWARD_TEXTS, WordTokenizer

TOKENIZER = WordTokenizer()


@given(st.lists(st.text() | st.sampled_from(AWKWARD_TEXTS)), st.integers(3, 20))
def test_a_cut_text_is_the_beginning_that_fits(texts, longest):
    """Each text keeps its place; a short one is as it was, a long one has as many tokens as fit."""
    done = cut_texts(texts, TOKENIZER, longest)
    for before, after in zip(texts, done, strict=True):
        tokens = len(before.split()) + TOKENIZER.special_tokens
        assert before.startswith(after)
        assert after == before if tokens <= longest else len(after.split()) == longest - TOKENIZER.special_tokens
