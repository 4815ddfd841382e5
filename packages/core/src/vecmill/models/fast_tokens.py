"""Counting BERT's WordPieces with ``tokie``, wherever it was seen to agree with the model's own tokenizer."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from vecmill.models.token_counters import ExactCounter, TokenCounter
from vecmill.models.token_structure import is_bert_wordpiece

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt
    from tokenizers import Tokenizer as Exact

_UNSEEN, _AGREES, _DIFFERS = 0, 1, 2
_CONTEXTS = ("{0}", "x{0}x", "a {0} b", "{0}{0}{0}")
_ASCII = range(0x80)
_UNICODE_SIZE = 0x110000

# Words around the longest one WordPiece takes, counted in letters, in marks that vanish, and beyond 16 bits.
_PROBES = [
    "",
    " ",
    *(letter * n for letter in ("a", "\xe9", "e\u0301", "\u4e2d", "\U0001d41a") for n in (99, 100, 101)),
]


def fast_counter(path: Path, spec: Mapping[str, Any], exact: Exact) -> TokieCounter | None:
    """Return a fast counter for this tokenizer, or ``None`` if there is none that can be trusted."""
    if not is_bert_wordpiece(spec):
        return None
    try:
        import tokie
    except ImportError:
        return None
    try:
        fast = tokie.Tokenizer.from_json(str(path))
    except tokie.TokieError:
        return None
    counter = TokieCounter(fast, exact, [token["content"] for token in spec["added_tokens"]])
    return counter if counter.agrees(_PROBES).all() else None


class TokieCounter(TokenCounter):
    """Gives ``tokie`` the texts whose every character it treats as the model's own tokenizer does.

    BERT cleans, normalises and splits text character by character, so agreement is a property of characters:
    each is tried in several contexts when first met. The two differ on characters that only one of their
    Unicode tables knows. Texts with such a character, or with a special token spelt out, are counted exactly.
    """

    def __init__(self, fast: Any, exact: Exact, special: Iterable[str]) -> None:  # noqa: ANN401 - tokie has no types
        self._fast = fast
        self._exact = exact
        self._count_exactly = ExactCounter(exact).count
        self._seen = np.zeros(_UNICODE_SIZE, np.uint8)
        self._try(np.array(_ASCII))
        differing = (chr(code) for code in _ASCII if self._seen[code] == _DIFFERS)
        self._special, self._differing = _any_of(special), _any_of(differing)

    def count(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return each text's number of tokens, shape ``(len(texts),)``."""
        if self._trusts("\n".join(texts)):
            return self._count_fast(texts)
        return np.array([self._count_one(text) for text in texts], np.int64)

    def agrees(self, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Return for each text whether both tokenizers give the same ids."""
        ids, lengths = self._fast.encode_batch_flat(texts, False)  # noqa: FBT003 - positional in tokie
        theirs = np.split(ids, np.cumsum(lengths.astype(np.int64))[:-1])
        ours = self._exact.encode_batch_fast(texts, add_special_tokens=False)
        return np.array([one.ids == other.tolist() for one, other in zip(ours, theirs, strict=True)])

    def _count_one(self, text: str) -> int:
        count = self._count_fast if self._trusts(text) else self._count_exactly
        return int(count([text])[0])

    def _count_fast(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        _, lengths = self._fast.encode_batch_flat(texts, False)  # noqa: FBT003 - (the same)
        return np.asarray(lengths, np.int64)

    def _trusts(self, text: str) -> bool:
        if self._special.search(text) or self._differing.search(text):
            return False
        return text.isascii() or self._trusts_beyond_ascii(text)

    def _trusts_beyond_ascii(self, text: str) -> bool:
        codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        codes = codes[codes >= _ASCII.stop]
        if not self._seen[codes].all():
            self._try(np.unique(codes[self._seen[codes] == _UNSEEN]))
        return bool((self._seen[codes] == _AGREES).all())

    def _try(self, codes: npt.NDArray[np.integer[Any]]) -> None:
        texts = [context.format(chr(code)) for code in codes.tolist() for context in _CONTEXTS]
        same = self.agrees(texts).reshape(-1, len(_CONTEXTS)).all(axis=1)
        self._seen[codes] = np.where(same, _AGREES, _DIFFERS)


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that finds any of the words; one that begins as all of them do is searched much faster."""
    words = list(words)
    start = os.path.commonprefix(words)  # noqa: RUF071 - of characters it is
    ends = "|".join(re.escape(word[len(start) :]) for word in words)
    return re.compile(f"{re.escape(start)}(?:{ends})" if words else "(?!)")
