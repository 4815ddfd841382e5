"""Exactness: whether chunks are what they are said to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def judge(texts: list[str], made: list[list[list[Any]]], tokenizer: Tokenizer, budget: int) -> dict[str, Any]:
    """Return what is wrong with a contender's chunks, in numbers.

    Args:
        texts: The documents.
        made: For each document its chunks: start, end, and the chunk's own text if the contender gave one.
        tokenizer: The model's.
        budget: Tokens of a chunk, special ones included.
    """
    pairs = list(zip(texts, made, strict=True))
    pieces = [text[start:end] for text, chunks in pairs for start, end, *_ in chunks]
    given = [chunk[2] if len(chunk) > 2 else None for _, chunks in pairs for chunk in chunks]
    counts = [
        len(each.ids)
        for each in tokenizer.encode_batch([own or piece for own, piece in zip(given, pieces, strict=True)])
    ]
    facts = {
        "chunks": len(pieces),
        "over": sum(count > budget for count in counts),
        "misplaced": sum(own not in {None, piece} for own, piece in zip(given, pieces, strict=True)),
        "lost": sum(_lost(text, chunks) for text, chunks in pairs),
        "mean tokens": round(sum(counts) / max(1, len(counts)), 1),
    }
    return {**facts, "correct": not (facts["over"] or facts["misplaced"] or facts["lost"])}


def _lost(text: str, chunks: list[list[Any]]) -> int:
    """Return how many characters that are not blank are in no chunk."""
    covered = lost = 0
    for start, end, *_ in chunks:
        lost += len("".join(text[covered : max(start or 0, covered)].split()))
        covered = max(covered, end or 0)
    return lost + len("".join(text[covered:].split()))
