"""Limits: the longest input a model takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vecmill.errors import ModelError
from vecmill.models.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# These number their tokens from one past the padding token's id.
OFFSET_POSITIONS = frozenset({"camembert", "mpnet", "roberta", "xlm-roberta", "xlm-roberta-xl", "xmod"})

_NO_LIMIT = 10**9  # tokenizers write 10**30 for "none"
_SETTINGS = "sentence_{}_config.json"
_KINDS = ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")


def sentence_settings(folder: Path) -> dict[str, Any]:
    """Return sentence-transformers' own settings of a transformer, under whichever name they are saved."""
    found = (read_settings(folder / _SETTINGS.format(kind), dict) for kind in _KINDS)
    return next((settings for settings in found if settings), {})


def read_max_tokens(folder: Path, config: dict[str, Any]) -> int:
    """Return how many tokens an input may have, special tokens included.

    It is sentence-transformers' ``max_seq_length``, else the tokenizer's ``model_max_length``, and never
    more than the model has positions for.

    Args:
        folder: Where the transformer is.
        config: Its ``config.json``.

    Raises:
        ModelError: None of the files says.
    """
    limits = [*_stated(folder), *_positions(config)]
    if not limits:
        raise ModelError(
            f"{folder} does not say how long an input may be. Add sentence_bert_config.json with a max_seq_length."
        )
    return min(limits)


def _stated(folder: Path) -> Iterator[int]:
    tokenizer = read_settings(folder / "tokenizer_config.json", dict) or {}
    stated = sentence_settings(folder).get("max_seq_length") or tokenizer.get("model_max_length")
    if stated and stated < _NO_LIMIT:
        yield int(stated)


def _positions(config: dict[str, Any]) -> Iterator[int]:
    positions = config.get("max_position_embeddings") or 0
    if config.get("model_type") in OFFSET_POSITIONS:
        positions -= padding_token(config) + 1
    if positions > 0:
        yield int(positions)


def padding_token(config: dict[str, Any]) -> int:
    """Return the id of the token that fills up short inputs; where it is not stated, its family's usual one."""
    usual = 1 if config.get("model_type") in OFFSET_POSITIONS else 0
    stated = config.get("pad_token_id")
    return usual if stated is None else int(stated)
