"""langchain's recursive splitter, its lengths counted with the model's tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.serve import serve

if TYPE_CHECKING:
    from bench.serve import Work


def load(settings: dict[str, Any]) -> Work:
    """Make the splitter."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(settings["model"]) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=settings["budget"] - 2,
        chunk_overlap=0,
        length_function=lambda text: len(tokenizer.encode(text, add_special_tokens=False)),
        add_start_index=True,
    )

    def work(texts: list[str]) -> list[list[tuple[int, int, str]]]:
        made = (splitter.create_documents([text]) for text in texts)
        return [[_locate(document) for document in documents] for documents in made]

    return work


def _locate(document: Any) -> tuple[int, int, str]:
    start = document.metadata["start_index"]
    return start, start + len(document.page_content), document.page_content


if __name__ == "__main__":
    serve(load, "langchain-text-splitters", "tokenizers")
