"""vecmill's ``paragraphs``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.serve import serve

if TYPE_CHECKING:
    from bench.serve import Work


def load(settings: dict[str, Any]) -> Work:
    """Make the chunker."""
    from vecmill.chunking.paragraphs import ParagraphsChunker
    from vecmill.models import load_tokenizer
    from vecmill.records import Document, ModelInfo

    info = {"revision": None, "dimension": 384, "max_tokens": 512, "pooling": "mean", "normalized": True}
    config = ParagraphsChunker.Config(max_tokens=settings["budget"], title=False)
    chunker = ParagraphsChunker(config, load_tokenizer(Path(settings["model"])), ModelInfo(id="model", **info))
    return lambda texts: [[span[:2] for span in chunker.spans(Document("id", text))] for text in texts]


if __name__ == "__main__":
    serve(load, "vecmill", "tokie")
