"""Windows of the model's tokenizer: encode everything, cut by offsets after each budget of tokens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.serve import serve

if TYPE_CHECKING:
    from bench.serve import Work


def load(settings: dict[str, Any]) -> Work:
    """Load the tokenizer."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(settings["model"]) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    room = settings["budget"] - tokenizer.num_special_tokens_to_add(is_pair=False)

    def work(texts: list[str]) -> list[list[tuple[int, int]]]:
        offsets = [each.offsets for each in tokenizer.encode_batch(texts, add_special_tokens=False)]
        return [[(each[i][0], each[i : i + room][-1][1]) for i in range(0, len(each), room)] for each in offsets]

    return work


if __name__ == "__main__":
    serve(load, "tokenizers")
