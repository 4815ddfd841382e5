"""What a ``tokenizer.json`` promises about counts: whether those of words add up to that of the text."""

from __future__ import annotations

import unicodedata
from itertools import chain
from typing import TYPE_CHECKING, Any

from vecmill.protocols.tokenizer import SEPARATORS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tokenizers import Tokenizer as Exact

_SPLITS_AT_WHITESPACE = {"BertPreTokenizer", "Whitespace", "WhitespaceSplit"}
_SPLITS_WITHIN_WORDS = _SPLITS_AT_WHITESPACE | {"Digits", "Punctuation"}
_STAYS_WITHIN_WORDS = {"BertNormalizer", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Strip", "StripAccents"}
_ONE_SPACE = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}


def is_additive(spec: Mapping[str, Any], exact: Exact) -> bool:
    """Return whether the counts of pieces between ``SEPARATORS`` add up to the count of the whole text.

    Args:
        spec: The tokenizer as it serialises itself.
        exact: The tokenizer.
    """
    return (
        _splits_first(_steps(spec["pre_tokenizer"], "pretokenizers"))
        and all(_is_local(step, exact) for step in _steps(spec["normalizer"], "normalizers"))
        and all(token["content"].split() == [token["content"]] for token in spec["added_tokens"])
        and all(_separates(exact, space) for space in SEPARATORS)
    )


def is_bert_wordpiece(spec: Mapping[str, Any]) -> bool:
    """Return whether text is split as the original BERT does, without additions of its own."""
    model, normalizer, splitter = spec["model"], spec["normalizer"] or {}, spec["pre_tokenizer"] or {}
    return (
        model.get("type") == "WordPiece"
        and model.get("continuing_subword_prefix") == "##"
        and model.get("max_input_chars_per_word") == 100  # noqa: PLR2004 - BERT's own number
        and normalizer.get("type") == "BertNormalizer"
        and splitter.get("type") == "BertPreTokenizer"
        and not any(token["normalized"] for token in spec["added_tokens"])
    )


def _separates(exact: Exact, space: str) -> bool:
    """Return whether ``space`` ends a word and is nothing in itself."""
    left, both, right = (exact.encode(text, add_special_tokens=False).ids for text in ("x", f"x{space}y", "y"))
    return bool(both == left + right)


def _steps(spec: dict[str, Any] | None, key: str) -> list[dict[str, Any]]:
    if spec is None:
        return []
    if spec["type"] == "Sequence":
        return list(chain.from_iterable(_steps(step, key) for step in spec[key]))
    return [spec]


def _splits_first(steps: list[dict[str, Any]]) -> bool:
    if not steps or steps[0]["type"] not in _SPLITS_AT_WHITESPACE:
        return False
    return all(step["type"] in _SPLITS_WITHIN_WORDS or _marks_every_word(step) for step in steps[1:])


def _marks_every_word(step: dict[str, Any]) -> bool:
    return bool(step["type"] == "Metaspace" and step["prepend_scheme"] != "first")


def _is_local(step: dict[str, Any], exact: Exact) -> bool:
    if step["type"] == "Precompiled":
        return not _fuses_with_space(exact)
    return step["type"] in _STAYS_WITHIN_WORDS or step == _ONE_SPACE


def _fuses_with_space(exact: Exact) -> bool:
    """Return whether a mark is read together with a space beside it.

    A precompiled character map is applied to whole graphemes, and a space followed by a combining mark is one.
    """
    normalize = exact.normalizer.normalize_str
    return any(
        normalize(f"x {mark}y") != "x " + normalize(f"{mark}y")
        or normalize(f"x{mark} y") != normalize(f"x{mark}") + " y"
        for mark in _marks()
    )


def _marks() -> Iterable[str]:
    """Yield the characters that join a grapheme with a neighbour: combining marks and format characters."""
    blocks = chain(range(0x300, 0xD800), range(0xF900, 0x20000), range(0xE0000, 0xE0200))
    return (char for char in map(chr, blocks) if unicodedata.category(char) in {"Mn", "Mc", "Me", "Cf"})
