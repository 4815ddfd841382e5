"""Encoding: texts in, finished vectors out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vecmill.batching.options import TokenBudgetOptions
from vecmill.batching.token_budget import TokenBudgetBatching
from vecmill.errors import EmbedError
from vecmill.models.limits import padding_token
from vecmill_local_runtime.calibration import calibrate, calibration_texts
from vecmill_local_runtime.engine import Engine
from vecmill_local_runtime.graph.build import build_graph
from vecmill_local_runtime.graph.linear import plain
from vecmill_local_runtime.head import Head
from vecmill_local_runtime.padding import cut, pad
from vecmill_local_runtime.precision import computed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from vecmill.models import ModelFolder
    from vecmill.protocols import Tokenizer


class Encoding:
    """A model that is loaded.

    Args:
        folder: The model's files.
        tokenizer: Its tokenizer.
        precision: ``int8``, ``bf16`` or ``f32``.
        streams: How many calls of ``embed`` are worked on at the same time.
        batch_tokens: Tokens, padding included, that are computed at a time; a larger call is split.

    Raises:
        ModelError: The weights are damaged, or are not what ``config.json`` says.
    """

    def __init__(
        self, folder: ModelFolder, tokenizer: Tokenizer, precision: str, streams: int, batch_tokens: int
    ) -> None:
        project = calibrate(folder, tokenizer, calibration_texts()) if precision == "int8" else plain
        graph = build_graph(folder, project)
        self._vocabulary = graph.vocabulary
        self._engine = Engine(graph, computed(precision), streams)
        self._head = Head(folder)
        self._tokenizer = tokenizer
        self._longest = folder.max_tokens
        self._ending = _ending(tokenizer)
        self._filler = padding_token(folder.config)
        self._dimension = folder.dimension
        self._batch_tokens = batch_tokens
        self._batching = TokenBudgetBatching(TokenBudgetOptions())  # which leaves whole what the worker made with it

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the texts' vectors, shape ``(len(texts), dimension)``."""
        ids = [cut(each, self._longest, self._ending) for each in self._tokenizer.encode(texts)]
        self._check_known(ids)
        lengths = np.array([len(each) for each in ids], np.int64)
        vectors = np.empty((len(ids), self._dimension), np.float32)
        for rows in self._batching.batches(lengths, self._batch_tokens):
            padded = pad([ids[row] for row in rows], self._filler, self._longest)
            vectors[rows] = self._head(self._engine.pooled(padded, lengths[rows]))
        return vectors

    def _check_known(self, ids: list[list[int]]) -> None:
        highest = max((token for each in ids for token in each), default=0)
        if highest >= self._vocabulary:
            raise EmbedError(f"the tokenizer gives token {highest}, but the model knows {self._vocabulary} tokens only")


def _ending(tokenizer: Tokenizer) -> int:
    """Return how many special tokens the tokenizer puts after a text."""
    bare, full = tokenizer.encode(["", "a"])
    differs = (
        place for place, pair in enumerate(zip(reversed(bare), reversed(full), strict=False)) if len(set(pair)) > 1
    )
    return next(differs, len(bare))
