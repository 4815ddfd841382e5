"""semantic-text-splitter with the model's tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.serve import serve

if TYPE_CHECKING:
    from bench.serve import Work


def load(settings: dict[str, Any]) -> Work:
    """Make the splitter."""
    from semantic_text_splitter import TextSplitter

    path = str(Path(settings["model"]) / "tokenizer.json")
    splitter = TextSplitter.from_huggingface_tokenizer_file(path, settings["budget"] - 2)

    def work(texts: list[str]) -> list[list[tuple[int, int, str]]]:
        return [[(at, at + len(part), part) for at, part in splitter.chunk_indices(text)] for text in texts]

    return work


if __name__ == "__main__":
    serve(load, "semantic-text-splitter")
