"""Timing: how fast an embedder is on this machine, tried with chunks of the corpus."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from vecmill.records import Pace, Range
from vecmill.threads import Threads
from vecmill.worker.embedding import Embedding, read_from
from vecmill.worker.engine import asked

if TYPE_CHECKING:
    import numpy.typing as npt

    from vecmill.job.sample import Sample
    from vecmill.protocols import Batching, Embedder

FIRST_CHUNKS = 16
SECONDS = 3.0
"""A trial that took this long is long enough."""


def timed(embedder: Embedder[Any], batching: Batching[Any], sample: Sample) -> Pace:
    """Embed ever more of the sample, until it takes a few seconds.

    Raises:
        VecmillError: The model does not run here.
    """
    tokens = np.concatenate(sample.tokens)
    began = time.perf_counter()
    with asked(embedder, "open()"):
        embedder.open()
    opened = time.perf_counter() - began
    try:
        with Threads(embedder.concurrency) as threads:
            embedding = Embedding(embedder, embedder.model(), threads)
            speed, chunks = _speed(embedding, embedder, batching, sample.texts, tokens)
    finally:
        embedder.close()
    return Pace(
        where="this machine",
        tokens_per_second=Range(low=speed, high=speed),
        startup_seconds=opened,
        basis=f"timed here with {chunks:,} chunks of the corpus",
    )


def _speed(
    embedding: Embedding,
    embedder: Embedder[Any],
    batching: Batching[Any],
    texts: list[str],
    tokens: npt.NDArray[np.int64],
) -> tuple[float, int]:
    count, seconds = FIRST_CHUNKS, 0.0
    # The first trial also warms the engine up; where it is the only one, the answer errs on the slow side.
    while True:
        chosen = np.unique(np.linspace(0, len(texts) - 1, count).astype(np.int64))
        seconds = _trial(embedding, embedder, batching, [texts[i] for i in chosen], tokens[chosen])
        if seconds >= SECONDS or count >= len(texts):
            return float(tokens[chosen].sum() / seconds), len(chosen)
        count = min(len(texts), int(count * min(8.0, max(2.0, 1.2 * SECONDS / seconds))))


def _trial(
    embedding: Embedding,
    embedder: Embedder[Any],
    batching: Batching[Any],
    texts: list[str],
    tokens: npt.NDArray[np.int64],
) -> float:
    began = time.perf_counter()
    batches = batching.batches(tokens, embedder.batch_tokens)
    embedding.submit(read_from(texts), len(texts), batches, lambda _: None).result()
    return time.perf_counter() - began
