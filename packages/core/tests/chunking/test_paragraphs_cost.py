"""The cost of chunking, in work that can be counted: a guard that does not depend on how busy the machine is."""

from __future__ import annotations

import sys
from collections import Counter
from pydoc_data.topics import topics

import pytest

from repository import model_folder
from vecmill.chunking.paragraphs import ParagraphsChunker
from vecmill.models.tokenizer import load_tokenizer
from vecmill.records import Document, ModelInfo

TEXTS = [*topics.values()]
CHARACTERS = sum(map(len, TEXTS))


@pytest.fixture(scope="module")
def cost():
    """Chunk Python's reference for a budget: the calls made, the characters counted, and the chunks."""
    tokenizer = load_tokenizer(model_folder())
    model = ModelInfo(id="m", revision=None, dimension=8, max_tokens=512, pooling="mean", normalized=True)
    work = Counter()
    count = tokenizer.count

    def counted(texts):
        work["characters"] += sum(map(len, texts))
        work["counts"] += 1
        return count(texts)

    def measure(budget):
        work.clear()
        chunker = ParagraphsChunker(ParagraphsChunker.Config(max_tokens=budget, title=False), tokenizer, model)
        sys.setprofile(lambda _, event, __: work.update([event]))
        try:
            chunks = sum(len(chunker.spans(Document("id", text))) for text in TEXTS)
        finally:
            sys.setprofile(None)
        return chunks, dict(work)

    vars(tokenizer)["count"] = counted
    return measure


@pytest.mark.parametrize("budget", [126, 256])
def test_hardly_any_text_is_counted_twice(cost, budget):
    """Counting is what bounds the chunker, so each character is counted about once, in a few calls for a document."""
    _, work = cost(budget)
    assert work["characters"] < 1.05 * CHARACTERS
    assert work["counts"] < 2.5 * len(TEXTS)


@pytest.mark.parametrize("budget", [126, 256])
def test_a_chunk_takes_few_calls(cost, budget):
    """Calls of functions, ours and the interpreter's, are what is left; a loop over characters would make hundreds."""
    chunks, work = cost(budget)
    assert work["call"] / chunks < 20
    assert work["c_call"] / chunks < 28
