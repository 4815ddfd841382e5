"""Calibration: which numbers a model's layers get, so that 8-bit integers can stand for them."""

from __future__ import annotations

import importlib.resources
from typing import TYPE_CHECKING

import numpy as np

from vecmill.batching.options import TokenBudgetOptions
from vecmill.batching.token_budget import TokenBudgetBatching
from vecmill.models.limits import padding_token
from vecmill_local_runtime.engine import Engine
from vecmill_local_runtime.graph.build import build_observer
from vecmill_local_runtime.graph.linear import Quantizer
from vecmill_local_runtime.padding import pad

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vecmill.models import ModelFolder
    from vecmill.protocols import Tokenizer

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
    lines = importlib.resources.files("vecmill_local_runtime").joinpath(TEXTS).read_text("utf-8").splitlines()
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
        engine.pooled(pad([ids[row] for row in rows], filler, folder.max_tokens), lengths[rows])
        for rows in TokenBudgetBatching(TokenBudgetOptions()).batches(lengths, _BATCH_TOKENS)
    ]
    every = np.split(np.max(seen, axis=0), np.cumsum([*widths.values()])[:-1])
    return Quantizer(dict(zip(widths, every, strict=True)))
