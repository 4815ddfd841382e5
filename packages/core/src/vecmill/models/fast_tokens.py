"""Token counters: three ways to count, all with the count of the model's own tokenizer; they differ in speed."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from vecmill.models.token_structure import is_bert_wordpiece
from vecmill.protocols.tokenizer import SEPARATORS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt
    from tokenizers import Tokenizer as Exact


_WORDS = re.compile(f"[^{SEPARATORS}]+")
_REMEMBERED_CHARACTERS = 2_000_000


class TokenCounter(ABC):
    """Counts the tokens of texts, special tokens left out."""

    @abstractmethod
    def count(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return each text's number of tokens, shape ``(len(texts),)``."""


class ExactCounter(TokenCounter):
    """Asks the model's own tokenizer, which is right by definition."""

    def __init__(self, exact: Exact) -> None:
        self._exact = exact

    def count(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return each text's number of tokens, shape ``(len(texts),)``."""
        encodings = self._exact.encode_batch_fast(texts, add_special_tokens=False)
        return np.fromiter(map(len, encodings), np.int64, len(texts))


class WordCounter(TokenCounter):
    """Remembers the counts of words and adds them up; right where the tokenizer is additive.

    Natural text repeats its words, so the slow tokenizer is asked about each of them once.
    """

    def __init__(self, exact: Exact) -> None:
        self._exact = ExactCounter(exact)
        self._known: dict[str, int] = {}
        self._characters = 0

    def count(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return each text's number of tokens, shape ``(len(texts),)``."""
        words = [_WORDS.findall(text) for text in texts]
        known = self._learn(words).__getitem__
        return np.fromiter((sum(map(known, each)) for each in words), np.int64, len(texts))

    def _learn(self, words: list[list[str]]) -> dict[str, int]:
        known = self._known
        new = list(set(chain.from_iterable(words)).difference(known))
        known.update(zip(new, self._exact.count(new).tolist(), strict=True))
        self._characters += sum(map(len, new))
        if self._characters > _REMEMBERED_CHARACTERS:
            self._known, self._characters = {}, 0
        return known


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
