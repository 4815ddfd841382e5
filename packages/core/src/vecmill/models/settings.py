"""The settings of a model: its JSON files, read and hashed in one function, and the limits that they state.

They are read only here, so that a run knows which files of a folder decide its vectors.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from vecmill.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


Shape = TypeVar("Shape", dict, list)  # type: ignore[type-arg]  # of whatever JSON holds
_reads: ContextVar[dict[Path, str] | None] = ContextVar("reads", default=None)


@contextlib.contextmanager
def record_reads() -> Iterator[dict[Path, str]]:
    """Collect the settings that are read inside the block, each with the sha256, in hex, of its content."""
    reads: dict[Path, str] = {}
    token = _reads.set(reads)
    try:
        yield reads
    finally:
        _reads.reset(token)


def read_settings(path: Path, shape: type[Shape]) -> Shape | None:
    """Read a JSON file of a model.

    Args:
        path: The file.
        shape: What it must hold at the top, ``dict`` or ``list``.

    Returns:
        Its content, or ``None`` where there is no such file.

    Raises:
        ModelError: The file is damaged.
    """
    try:
        data = path.read_bytes()
        if (reads := _reads.get()) is not None:
            reads[path] = hashlib.sha256(data).hexdigest()
        content = json.loads(data)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read: {error}: get the model's files again") from error
    if not isinstance(content, shape):
        raise ModelError(
            f"{path} holds a {type(content).__name__}, not a {shape.__name__}: get the model's files again"
        )
    return content


def check_casing(folder: Path, settings: Mapping[str, Any]) -> None:
    """Refuse a model that wants texts in lower case and whose tokenizer keeps capitals.

    Args:
        folder: Where the tokenizer is.
        settings: sentence-transformers' settings of the transformer.

    Raises:
        ModelError: The tokenizer keeps capitals, and the settings ask for lower case.
    """
    if not settings.get("do_lower_case"):
        return
    tokenizer = read_settings(folder / "tokenizer.json", dict) or {}
    if not _lowers(tokenizer.get("normalizer")):
        raise ModelError(
            f"{folder} wants texts in lower case, but its tokenizer.json does not make them so: "
            "add a Lowercase normalizer to it, or name another model"
        )


def _lowers(normalizer: Any) -> bool:  # noqa: ANN401 - it is whatever the file holds
    match normalizer:
        case {"type": "Lowercase"} | {"type": "BertNormalizer", "lowercase": True}:
            return True
        case {"type": "Sequence", "normalizers": list(parts)}:
            return any(map(_lowers, parts))
    return False


# These number their tokens from one past the padding token's id.
OFFSET_POSITIONS = frozenset({"camembert", "mpnet", "roberta", "xlm-roberta", "xlm-roberta-xl", "xmod"})

_NO_LIMIT = 10**9  # tokenizers write 10**30 for "none"
_SETTINGS = "sentence_{}_config.json"
_KINDS = ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")


def sentence_settings(folder: Path) -> dict[str, Any]:
    """Return sentence-transformers' settings of a transformer, under whichever name they are saved."""
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
    limits = [*_iterate_stated(folder), *_iterate_positions(config)]
    if not limits:
        raise ModelError(
            f"{folder} does not say how long an input may be: add sentence_bert_config.json with a max_seq_length"
        )
    return min(limits)


def _iterate_stated(folder: Path) -> Iterator[int]:
    tokenizer = read_settings(folder / "tokenizer_config.json", dict) or {}
    stated = sentence_settings(folder).get("max_seq_length") or tokenizer.get("model_max_length")
    if stated and stated < _NO_LIMIT:
        yield int(stated)


def _iterate_positions(config: dict[str, Any]) -> Iterator[int]:
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
