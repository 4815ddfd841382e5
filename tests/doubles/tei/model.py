"""Model: the tokenizer, the limits and the vectors behind the double."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import tokenizers

from doubles.tei.refusal import Refusal
from vecmill.models import load_tokenizer, open_model, sentence_settings

if TYPE_CHECKING:
    from argparse import Namespace

    from doubles.tei.behaviour import Behaviour

CHARACTERS_PER_TOKEN = 250
TABLE = 4096


class Model:
    """What the router loads before its port opens.

    Attributes:
        workers: How many calls of ``embed`` it can use at the same time.
    """

    def __init__(self, flags: Namespace, behaviour: Behaviour) -> None:
        self.folder = open_model(flags.model_id, flags.revision)
        self._tokenizer = load_tokenizer(self.folder.path)
        self._exact = tokenizers.Tokenizer.from_file(str(self.folder.path / "tokenizer.json"))
        self._exact.no_truncation()
        self._exact.no_padding()
        self.max_length = _max_length(self.folder, flags)
        self._behaviour = behaviour
        self._prompt = flags.default_prompt or ""
        self._engine = _engine(flags) if behaviour.vectors == "model" else _Table(self.folder.dimension)
        self.workers = self._engine.concurrency

    def check(self, text: str, *, truncate: bool) -> None:
        """Refuse a text as the router does.

        Raises:
            Refusal: It is empty, or too long and not to be cut.
        """
        if not text:
            raise Refusal("Empty", "Input validation error: `inputs` cannot be empty")
        if self._behaviour.refuse and self._behaviour.refuse in text:
            raise Refusal("Tokenizer", "tokenizer error: the double was told to refuse this")
        text = self._prompt + text
        if truncate or len(text) <= self.max_length - self._tokenizer.special_tokens:
            return
        limit = self.max_length * CHARACTERS_PER_TOKEN
        if len(text) > limit:
            raise _invalid(f"`inputs` must have less than {limit} characters. Given: {len(text)}")
        tokens = int(self._tokenizer.count([text])[0]) + self._tokenizer.special_tokens
        if tokens > self.max_length:
            raise _invalid(f"`inputs` must have less than {self.max_length} tokens. Given: {tokens}")

    def embed(self, texts: list[str]) -> np.ndarray:
        """Return unit vectors, spoilt where the double was told to; shape ``(len(texts), dimension)``."""
        if self._behaviour.fail and any(self._behaviour.fail in text for text in texts):
            raise Refusal("Backend", "Backend error: CUDA_ERROR_ASSERT")
        vectors = np.array(self._engine.embed([self._prompt + text for text in texts]), np.float32)
        vectors *= self._behaviour.scale / np.linalg.norm(vectors, axis=1, keepdims=True)
        if self._behaviour.imprecise:
            vectors = np.roll(vectors, 1, axis=1)
        for mark, value in ((self._behaviour.nan, np.nan), (self._behaviour.zero, 0)):
            vectors[[bool(mark) and mark in text for text in texts]] = value
        return vectors

    def count(self, texts: list[str]) -> int:
        """Return how many tokens the model reads in all texts: with prompt and special ones, cut at its limit."""
        tokens = self._tokenizer.count([self._prompt + text for text in texts]) + self._tokenizer.special_tokens
        return int(np.minimum(tokens, self.max_length).sum())

    def tokens(self, text: str, *, special: bool) -> list[dict[str, Any]]:
        """Describe a text's tokens."""
        found = self._exact.encode(text, add_special_tokens=special)
        rows = zip(found.ids, found.tokens, found.special_tokens_mask, found.offsets, strict=True)
        return [
            {"id": number, "text": token if mask else text[start:stop], "special": bool(mask)}
            | {"start": None if mask else start, "stop": None if mask else stop}
            for number, token, mask, (start, stop) in rows
        ]


class _Table:
    """Canned unit vectors."""

    concurrency = 2

    def __init__(self, dimension: int) -> None:
        self._table = np.random.default_rng(0).normal(size=(TABLE, dimension)).astype(np.float32)

    def embed(self, texts: list[str]) -> np.ndarray:
        return self._table[[zlib.crc32(text.encode()) % TABLE for text in texts]]


def _engine(flags: Namespace) -> Any:
    from vecmill_openvino.embedder import OpenVinoEmbedder

    engine = OpenVinoEmbedder(OpenVinoEmbedder.Config(model=flags.model_id, revision=flags.revision, precision="f32"))
    engine.open()
    return engine


def _max_length(folder: Any, flags: Namespace) -> int:
    stated = sentence_settings(folder.path).get("max_seq_length") or folder.max_tokens
    if stated <= flags.max_batch_tokens:
        return int(stated)
    if not flags.auto_truncate:
        raise SystemExit(
            f"Error: The maximum input length is `{stated}` "
            f"which exceeds `--max-batch-tokens={flags.max_batch_tokens}`."
        )
    return int(flags.max_batch_tokens)


def _invalid(why: str) -> Refusal:
    return Refusal("Validation", f"Input validation error: {why}")
