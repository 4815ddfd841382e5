"""Encoding: texts become token ids in padded batches, and int8 is calibrated on some of them."""

from __future__ import annotations

import importlib.resources
from typing import TYPE_CHECKING

import numpy as np

from vecmill.chunking.token_budget import TokenBudgetBatching
from vecmill.errors import EmbedError
from vecmill.models.settings import padding_token
from vecmill_openvino.engine import Engine, Head
from vecmill_openvino.graph.build import build_graph, build_observer
from vecmill_openvino.graph.linear import Quantizer, plain
from vecmill_openvino.precision import compute_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from vecmill.models import ModelFolder
    from vecmill.protocols import Tokenizer


STEP = 16  # kernels are made anew for every width; matrix units take 16 rows at a time, and are 10-20% slower between


def cut(ids: list[int], longest: int, ending: int) -> list[int]:
    """Return ``ids`` with at most ``longest`` tokens; the last ``ending`` of them, special ones, stay last."""
    if len(ids) <= longest:
        return ids
    return ids[: longest - ending] + ids[len(ids) - ending :]


def pad(ids: Sequence[Sequence[int]], filler: int, longest: int) -> npt.NDArray[np.int64]:
    """Put texts of any length into one array, filled up with ``filler``.

    Args:
        ids: Each text's token ids.
        filler: The padding token.
        longest: The model has no more positions than this; the array is not made wider.
    """
    width = min(_round_up(max(map(len, ids))), longest)
    rectangle = np.full((len(ids), width), filler, np.int64)
    for row, tokens in zip(rectangle, ids, strict=True):
        row[: len(tokens)] = tokens
    return rectangle


def _round_up(length: int) -> int:
    return max(STEP, -(-length // STEP) * STEP)


TEXTS = "calibration.txt"
_BATCH_TOKENS = 2048
_SHORT = 40
_MONOTONOUS = (
    "the",
    "a",
    "word",
    "house",
    "running",
    "1",
    "0 1 2 3 4 5 6 7 8 9",
    ",",
    "12.00,",
    "{}[]();:",
    "...",
    "=",
)
_TIMES = (1, 3, 20, 200)


def calibration_texts() -> list[str]:
    """Return the texts that every model is calibrated on.

    Pieces of them too, since short texts have numbers of their own, and words repeated: attention usually mixes
    vectors that differ, and what comes out when they are alike is larger than in any prose.

    They are the same for every corpus: all workers, and whoever embeds queries later, must get the same model.
    """
    lines = importlib.resources.files("vecmill_openvino").joinpath(TEXTS).read_text("utf-8").splitlines()
    pieces = [line[at : at + _SHORT] for line in lines for at in range(0, len(line), 4 * _SHORT)]
    return lines + pieces + [" ".join([words] * times) for words in _MONOTONOUS for times in _TIMES]


def calibrate(folder: ModelFolder, tokenizer: Tokenizer, texts: Sequence[str]) -> Quantizer:
    """Run a model in float32 over texts, and return what makes it one of 8-bit integers.

    Raises:
        ModelError: The model is not one whose layers are known here, but an ONNX graph.
    """
    graph, widths = build_observer(folder)
    engine = Engine(graph, "f32", streams=1)
    ids = [each[: folder.max_tokens] for each in tokenizer.encode(texts)]
    lengths = np.array([len(each) for each in ids], np.int64)
    filler = padding_token(folder.config)
    seen = [
        engine.pool_batch(pad([ids[row] for row in rows], filler, folder.max_tokens), lengths[rows])
        for rows in TokenBudgetBatching(TokenBudgetBatching.Config()).batches(lengths, _BATCH_TOKENS)
    ]
    every = np.split(np.max(seen, axis=0), np.cumsum([*widths.values()])[:-1])
    return Quantizer(dict(zip(widths, every, strict=True)))


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
        self._engine = Engine(graph, compute_type(precision), streams)
        self._head = Head(folder)
        self._tokenizer = tokenizer
        self._longest = folder.max_tokens
        self._ending = _ending(tokenizer)
        self._filler = padding_token(folder.config)
        self._dimension = folder.dimension
        self._batch_tokens = batch_tokens
        self._batching = TokenBudgetBatching(
            TokenBudgetBatching.Config()
        )  # which leaves whole what the worker made with it

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the texts' vectors, shape ``(len(texts), dimension)``."""
        ids = [cut(each, self._longest, self._ending) for each in self._tokenizer.encode(texts)]
        self._check_known(ids)
        lengths = np.array([len(each) for each in ids], np.int64)
        vectors = np.empty((len(ids), self._dimension), np.float32)
        for rows in self._batching.batches(lengths, self._batch_tokens):
            padded = pad([ids[row] for row in rows], self._filler, self._longest)
            vectors[rows] = self._head(self._engine.pool_batch(padded, lengths[rows]))
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
