"""chonkie's chunkers that count tokens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.serve import serve

if TYPE_CHECKING:
    from bench.serve import Work


def load(settings: dict[str, Any]) -> Work:
    """Make the chunker."""
    import chonkie
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(settings["model"]) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    chunker = getattr(chonkie, settings["chunker"])(tokenizer, chunk_size=settings["budget"] - 2)
    return lambda texts: [[(c.start_index, c.end_index, c.text) for c in chunker.chunk(text)] for text in texts]


if __name__ == "__main__":
    serve(load, "chonkie", "tokenizers")
