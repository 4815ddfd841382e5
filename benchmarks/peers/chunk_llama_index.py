"""LlamaIndex's sentence splitter with the model's tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.serve import serve

if TYPE_CHECKING:
    from bench.serve import Work


def load(settings: dict[str, Any]) -> Work:
    """Make the splitter."""
    from llama_index.core import Document
    from llama_index.core.node_parser import SentenceSplitter
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(settings["model"]) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    splitter = SentenceSplitter(
        chunk_size=settings["budget"] - 2,
        chunk_overlap=0,
        tokenizer=lambda text: tokenizer.encode(text, add_special_tokens=False).ids,
        include_metadata=False,
    )

    def work(texts: list[str]) -> list[list[tuple[int | None, int | None, str]]]:
        made = (splitter.get_nodes_from_documents([Document(text=text)]) for text in texts)
        return [[(node.start_char_idx, node.end_char_idx, node.text) for node in nodes] for nodes in made]

    return work


if __name__ == "__main__":
    serve(load, "llama-index-core", "tokenizers")
