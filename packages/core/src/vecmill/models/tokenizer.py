"""The embedding model's own tokenizer, from its ``tokenizer.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import orjson
import tokenizers

from vecmill.errors import ModelError
from vecmill.models.fast_tokens import ExactCounter, TokenCounter, WordCounter, fast_counter
from vecmill.models.folder import TOKENIZER
from vecmill.models.token_structure import is_additive
from vecmill.protocols import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

_BATCH_CHARACTERS = 1_000_000
_PROBE = "a word, \u4e2d\u6587, \U0001f600 and \u16a0"
"""Some tokenizers fail on the first character that they do not know, for lack of a token for it."""


def load_tokenizer(folder: Path) -> ModelTokenizer:
    """Load the tokenizer of the model in ``folder``.

    Raises:
        ModelError: There is no ``tokenizer.json``, or it cannot be read.
    """
    path = folder / TOKENIZER
    if not path.is_file():
        raise ModelError(f"{folder} holds no tokenizer.json. Name a folder or Hub id of a model that has one.")
    try:
        tokenizer = _load_tokenizer(path)
        tokenizer.count([_PROBE])
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # tokenizers raises nothing more precise, and a panic in Rust is no Exception
        raise ModelError(f"{path} cannot be used as a tokenizer: {error}. Download the model again.") from error
    return tokenizer


def _load_tokenizer(path: Path) -> ModelTokenizer:
    exact = tokenizers.Tokenizer.from_file(str(path))
    exact.no_padding()
    exact.no_truncation()
    spec = orjson.loads(exact.to_str())
    additive = is_additive(spec, exact)
    counter = fast_counter(path, spec, exact) or (WordCounter(exact) if additive else ExactCounter(exact))
    return ModelTokenizer(exact, counter, additive=additive)


class ModelTokenizer(Tokenizer):
    """Hugging Face's ``tokenizers`` for ids and places, and the fastest counter that agrees with it."""

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
        """Return each text's token ids, special tokens included, nothing cut."""
        return [each.ids for each in self._exact.encode_batch_fast(texts)]

    def offsets(self, text: str) -> npt.NDArray[np.int64]:
        """Return where each token is in ``text``: shape ``(tokens, 2)``, start and end in code points."""
        places = self._exact.encode(text, add_special_tokens=False).offsets
        return np.array(places, np.int64).reshape(-1, 2)


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the texts in runs of about a million characters, so that no encoding of everything is held at once."""
    first = size = 0
    for last, text in enumerate(texts, start=1):
        size += len(text)
        if size >= _BATCH_CHARACTERS:
            yield texts[first:last]
            first, size = last, 0
    if first < len(texts):
        yield texts[first:]
