"""Casing: whether a model's tokenizer does what sentence-transformers' ``do_lower_case`` asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vecmill.errors import ModelError
from vecmill.models.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def check_casing(folder: Path, settings: Mapping[str, Any]) -> None:
    """Refuse a model whose texts are to be made lower case by something else than its tokenizer.

    Args:
        folder: Where the tokenizer is.
        settings: sentence-transformers' settings of the transformer.

    Raises:
        ModelError: The tokenizer keeps capitals, and the settings say that they are to go.
    """
    if not settings.get("do_lower_case"):
        return
    tokenizer = read_settings(folder / "tokenizer.json", dict) or {}
    if not _lowers(tokenizer.get("normalizer")):
        raise ModelError(
            f"{folder} wants texts in lower case, but its tokenizer.json does not make them so. "
            "Add a Lowercase normalizer to it, or name another model."
        )


def _lowers(normalizer: Any) -> bool:  # noqa: ANN401 - it is whatever the file holds
    match normalizer:
        case {"type": "Lowercase"} | {"type": "BertNormalizer", "lowercase": True}:
            return True
        case {"type": "Sequence", "normalizers": list(parts)}:
            return any(map(_lowers, parts))
    return False
