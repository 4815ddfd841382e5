"""Chunks stay within a budget of tokens, over any Unicode and each kind of tokenizer."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.chunking.paragraphs import ParagraphsChunker
from vecmill.chunking.windows import TokensChunker
from vecmill.protocols.component import make_prefix
from vecmill.records import Document
from vecmill.testing import AWKWARD_TEXTS

KINDS = ["word", "bert", "xlmr", "t5", "bpe", "gpt"]
SPACES = "\t\n\v\f\r\x1c\x1f \x85\xa0\u2003\u2028\u3000"
BITS = [
    "One sentence here. ",
    "\n\n",
    "\n",
    "# Title\n\n",
    "- item\n",
    "word ",
    "x" * 120,
    "[SEP]",
    "\u4e2d\u6587\u3002",
    "\u05d0\u05d1 ",
    "\0",
]
BITS += ["e\u0301\u0323", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u3000\u0301", *SPACES]
TEXTS = st.lists(st.text(max_size=15) | st.sampled_from(BITS), min_size=1, max_size=40).map("".join)
PROMPTS = st.sampled_from(["", "passage: ", "x"])
NOT_BLANK = TEXTS.filter(str.strip)


@pytest.fixture(params=KINDS, scope="module")
def kind(request):
    """Go through the kinds of tokenizer."""
    return request.param


def embedded_tokens(tokenizer, chunker, document, spans):
    """Count by the ids themselves, of what the worker embeds."""
    front = make_prefix(chunker, document)
    return [len(ids) for ids in tokenizer.encode([front + document.text[start:end] for start, end, _ in spans])]


def check(spans, text, *, overlap=False):
    """Check order, bounds and cover."""
    covered = set()
    for before, after in pairwise(spans):
        assert before.start < after.start
        assert overlap or before.end <= after.start
    for start, end, _ in spans:
        assert 0 <= start < end <= len(text)
        covered.update(range(start, end))
    assert all(char.isspace() for place, char in enumerate(text) if place not in covered)


@given(
    document=st.builds(Document, st.just("1"), NOT_BLANK, TEXTS | st.just("")), prompt=PROMPTS, size=st.integers(24, 80)
)
def test_paragraphs_keep_the_laws(make, tokenizers, kind, document, prompt, size):
    """In order, apart, nothing lost, nothing over the budget, counts exact, no whitespace at the ends."""
    chunker = make(ParagraphsChunker, kind, prompt, max_tokens=size)

    spans = chunker.spans(document)

    check(spans, document.text)
    assert [span.tokens for span in spans] == embedded_tokens(tokenizers[kind], chunker, document, spans)
    assert all(span.tokens <= size for span in spans)
    assert all(text == text.strip() for text in (document.text[start:end] for start, end, _ in spans))
    assert chunker.spans(document) == spans


@given(text=NOT_BLANK, size=st.integers(16, 80), overlap=st.integers(0, 15))
def test_windows_keep_the_laws(make, tokenizers, kind, text, size, overlap):
    """The same for windows of tokens, with and without overlap."""
    chunker, document = make(TokensChunker, kind, max_tokens=size, overlap=overlap), Document("1", text)

    spans = chunker.spans(document)

    check(spans, text, overlap=overlap > 0)
    assert [span.tokens for span in spans] == embedded_tokens(tokenizers[kind], chunker, document, spans)
    assert all(span.tokens <= size for span in spans)
    assert chunker.spans(document) == spans


def test_a_chunk_that_is_cut_again_stays_before_the_next(make):
    """Where it overlaps the next one, parts that begin in both are left to that."""
    text = "Anothere!Ane.Ane!d ird?a d?A sn!d ird?nce.Ano! Anird? nce. A"
    spans = make(TokensChunker, "bert", "x", max_tokens=40, overlap=7).spans(Document("1", text))

    check(spans, text, overlap=True)


@pytest.mark.parametrize("cls", [ParagraphsChunker, TokensChunker])
@pytest.mark.parametrize("text", AWKWARD_TEXTS)
def test_awkward_texts_keep_the_laws(make, tokenizers, kind, cls, text):
    """Texts that broke others."""
    chunker, document = make(cls, kind, max_tokens=24), Document("1", text, "A title")

    spans = chunker.spans(document)

    check(spans, text)
    assert [span.tokens for span in spans] == embedded_tokens(tokenizers[kind], chunker, document, spans)
    assert all(span.tokens <= 24 for span in spans)


def test_a_character_over_the_budget_is_a_chunk_of_its_own(make, tokenizers, monkeypatch):
    """A tokenizer that makes a hundred tokens of one character ends the cutting there, and says so."""
    chunker = make(TokensChunker, "gpt", max_tokens=16)
    count = tokenizers["gpt"].count
    monkeypatch.setattr(
        tokenizers["gpt"], "count", lambda texts: count([text.replace("x", "\u4e2d" * 50) for text in texts])
    )

    spans = chunker.spans(Document("1", "one xx two"))

    assert [(start, end) for start, end, tokens in spans if tokens > 16] == [(4, 5), (5, 6)]
    check(spans, "one xx two")
