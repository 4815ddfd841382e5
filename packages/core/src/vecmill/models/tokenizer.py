"""The embedding model's tokenizer, from its ``tokenizer.json``, and the counters that agree with it.

All counters give the count of the model's tokenizer; they differ in speed.
"""

from __future__ import annotations

import os
import re
import unicodedata
from abc import ABC, abstractmethod
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import tokenizers

from vecmill.errors import ModelError
from vecmill.models.folder import TOKENIZER
from vecmill.protocols import Tokenizer
from vecmill.protocols.component import SEPARATORS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

_BATCH_CHARACTERS = 1_000_000
_PROBE = "a word, \u4e2d\u6587, \U0001f600 and \u16a0"
"""Some tokenizers fail on the first character that they do not know, because they have no token for it."""


def load_tokenizer(folder: Path) -> ModelTokenizer:
    """Load the tokenizer of the model in ``folder``.

    Raises:
        ModelError: There is no ``tokenizer.json``, or it cannot be read.
    """
    path = folder / TOKENIZER
    if not path.is_file():
        raise ModelError(f"{folder} holds no tokenizer.json: name a folder or Hub id of a model that has one")
    try:
        tokenizer = _load_tokenizer(path)
        tokenizer.count([_PROBE])
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # tokenizers raises nothing more precise, and a panic in Rust is no Exception
        raise ModelError(f"{path} cannot be used as a tokenizer: {error}: download the model again") from error
    return tokenizer


def _load_tokenizer(path: Path) -> ModelTokenizer:
    exact = tokenizers.Tokenizer.from_file(str(path))
    exact.no_padding()
    exact.no_truncation()
    spec = orjson.loads(exact.to_str())
    additive = is_additive(spec, exact)
    counter = find_fast_counter(path, spec, exact) or (WordCounter(exact) if additive else ExactCounter(exact))
    return ModelTokenizer(exact, counter, additive=additive)


class ModelTokenizer(Tokenizer):
    """Hugging Face's ``tokenizers`` for ids and offsets, and the fastest counter that agrees with it."""

    def __init__(self, exact: tokenizers.Tokenizer, counter: TokenCounter, *, additive: bool) -> None:
        self._exact = exact
        self._counter = counter
        self.additive = additive
        self.special_tokens = exact.num_special_tokens_to_add(is_pair=False)

    def count(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Count each text's tokens, special tokens left out. Shape ``(len(texts),)``."""
        if sum(map(len, texts)) <= _BATCH_CHARACTERS:
            return self._counter.count(texts)
        return np.concatenate([self._counter.count(batch) for batch in _batches(texts)])

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return each text's token ids, special tokens included, none truncated."""
        return [each.ids for each in self._exact.encode_batch_fast(texts)]

    def offsets(self, text: str) -> npt.NDArray[np.int64]:
        """Return where each token is in ``text``: shape ``(tokens, 2)``, start and end in code points."""
        offsets = self._exact.encode(text, add_special_tokens=False).offsets
        return np.array(offsets, np.int64).reshape(-1, 2)


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the texts in runs of about a million characters, so that memory never holds all encodings at once."""
    first = size = 0
    for last, text in enumerate(texts, start=1):
        size += len(text)
        if size >= _BATCH_CHARACTERS:
            yield texts[first:last]
            first, size = last, 0
    if first < len(texts):
        yield texts[first:]


_WORDS = re.compile(f"[^{SEPARATORS}]+")
_REMEMBERED_CHARACTERS = 2_000_000


class TokenCounter(ABC):
    """Counts the tokens of texts, special tokens left out."""

    @abstractmethod
    def count(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return each text's number of tokens, shape ``(len(texts),)``."""


class ExactCounter(TokenCounter):
    """Asks the model's tokenizer, which is right by definition."""

    def __init__(self, exact: tokenizers.Tokenizer) -> None:
        self._exact = exact

    def count(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return each text's number of tokens, shape ``(len(texts),)``."""
        encodings = self._exact.encode_batch_fast(texts, add_special_tokens=False)
        return np.fromiter(map(len, encodings), np.int64, len(texts))


class WordCounter(TokenCounter):
    """Remembers the counts of words and adds them up; right where the tokenizer is additive.

    Natural text repeats its words, so the slow tokenizer counts each of them once.
    """

    def __init__(self, exact: tokenizers.Tokenizer) -> None:
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


def find_fast_counter(path: Path, spec: Mapping[str, Any], exact: tokenizers.Tokenizer) -> TokieCounter | None:
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
    """Gives ``tokie`` the texts whose every character it treats as the model's tokenizer does.

    BERT cleans, normalises and splits text character by character, so agreement is a property of characters:
    each is tried in several contexts when first met. The two differ on characters that only one of their
    Unicode tables knows. Texts with such a character, or with a special token spelt out, are counted exactly.
    """

    def __init__(self, fast: Any, exact: tokenizers.Tokenizer, special: Iterable[str]) -> None:  # noqa: ANN401 - tokie has no types
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


_SPLITS_AT_WHITESPACE = {"BertPreTokenizer", "Whitespace", "WhitespaceSplit"}
_SPLITS_WITHIN_WORDS = _SPLITS_AT_WHITESPACE | {"Digits", "Punctuation"}
_STAYS_WITHIN_WORDS = {"BertNormalizer", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Strip", "StripAccents"}
_ONE_SPACE = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}


def is_additive(spec: Mapping[str, Any], exact: tokenizers.Tokenizer) -> bool:
    """Return whether the counts of pieces between ``SEPARATORS`` add up to the count of the text.

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
    """Return whether text is split as the original BERT does, and has no additions."""
    model, normalizer, splitter = spec["model"], spec["normalizer"] or {}, spec["pre_tokenizer"] or {}
    return (
        model.get("type") == "WordPiece"
        and model.get("continuing_subword_prefix") == "##"
        and model.get("max_input_chars_per_word") == 100  # noqa: PLR2004 - the number in BERT
        and normalizer.get("type") == "BertNormalizer"
        and splitter.get("type") == "BertPreTokenizer"
        and not any(token["normalized"] for token in spec["added_tokens"])
    )


def _separates(exact: tokenizers.Tokenizer, space: str) -> bool:
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


def _is_local(step: dict[str, Any], exact: tokenizers.Tokenizer) -> bool:
    if step["type"] == "Precompiled":
        return not _fuses_with_space(exact)
    return step["type"] in _STAYS_WITHIN_WORDS or step == _ONE_SPACE


def _fuses_with_space(exact: tokenizers.Tokenizer) -> bool:
    """Return whether a mark is read together with a space next to it.

    A precompiled character map is applied to graphemes, and a space followed by a combining mark is one.
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
