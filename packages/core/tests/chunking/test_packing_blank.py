"""Blank text: documents, chunks and what lies between chunks are judged alike, over each kind of tokenizer."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.chunking.packing import is_blank
from vecmill.chunking.paragraphs import ParagraphsChunker
from vecmill.chunking.windows import CharactersChunker, TokensChunker
from vecmill.records import Document
from vecmill.testing import AWKWARD_TEXTS
from vecmill.worker.reading import cut, iterate_documents

KINDS = ["word", "bert", "xlmr", "t5", "bpe", "gpt"]
CHUNKERS = [
    (ParagraphsChunker, {"max_tokens": 24}),
    (TokensChunker, {"max_tokens": 16}),
    (CharactersChunker, {"size": 5}),
    (CharactersChunker, {"size": 7, "overlap": 3}),
]
INVISIBLE = "\u200b\u200c\u200d\ufeff\u00ad\u2060\u202e\u0301\x00\x7f\ufffd\ue000 \n\t\u3000"
TEXTS = st.lists(st.text(INVISIBLE, min_size=1, max_size=12) | st.sampled_from(["a word", "1", "!", "文"])).map("".join)


@pytest.mark.fault(
    "input",
    "text that has no token for the model: zero-width spaces, byte order marks, soft hyphens, control characters",
    promise="It counts as blank: a document of it is quarantined, a chunk of it is left out; all other text is in a "
    "chunk.",
)
@pytest.mark.parametrize("kind", KINDS)
@given(text=TEXTS | st.text() | st.sampled_from(AWKWARD_TEXTS), which=st.sampled_from(CHUNKERS), title=st.booleans())
def test_kept_text_covers_all_that_the_model_reads(make, tokenizers, kind, text, which, title):
    """No chunk is without a token; what is left out is blank; a document without chunks is one that is set aside."""
    (cls, options), tokenizer = which, tokenizers[kind]
    (item,) = iterate_documents(pa.record_batch({"id": ["1"], "text": pa.array([text], pa.string())}), tokenizer)
    assert isinstance(item, Document) == (not is_blank(text, tokenizer))
    if not isinstance(item, Document):
        assert item.reason == "blank text"
        assert not text.strip() or not tokenizer.count([text])[0]
        return
    spans = cut(make(cls, kind, **options), Document("1", text, "A title" if title else ""))
    assert spans
    covered = 0
    for start, end, _ in spans:
        assert tokenizer.count([text[start:end]])[0]
        assert is_blank(text, tokenizer, min(covered, start), start)
        covered = max(covered, end)
    assert is_blank(text, tokenizer, covered)


@pytest.mark.parametrize(
    "text", ["", " \n", "\u200b", "\ufeff\u200b\u200d", "\u00ad\u00ad", "\x00\x01", "\u200b \u200b"]
)
def test_text_that_bert_drops_is_blank(tokenizers, text):
    """Zero-width characters, byte order marks, soft hyphens and control characters, alone or among spaces."""
    assert is_blank(text, tokenizers["bert"])
    assert not is_blank(f"{text}.", tokenizers["bert"])
    assert is_blank(f"a{text}b", tokenizers["bert"], 1, 1 + len(text))
