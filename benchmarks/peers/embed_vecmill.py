"""vecmill's embedder, fed as the worker feeds it: sorted by length, in batches of tokens, a thread for each stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bench.serve import serve

if TYPE_CHECKING:
    from bench.serve import Work


def load(settings: dict[str, Any]) -> Work:
    """Open the embedder."""
    from vecmill.chunking.packing import TokenBudgetBatching
    from vecmill.concurrency import Threads
    from vecmill.worker.embedding import Embedding, read_from
    from vecmill_openvino.embedder import OpenVinoEmbedder

    embedder = OpenVinoEmbedder(OpenVinoEmbedder.Config(model=settings["model"], precision=settings["precision"]))
    embedder.open()
    model, tokenizer = embedder.model(), embedder.tokenizer()
    batching = TokenBudgetBatching(TokenBudgetBatching.Config())
    threads = Threads(embedder.concurrency)

    def work(chunks: list[str]) -> np.ndarray:
        tokens = np.minimum(tokenizer.count(chunks) + tokenizer.special_tokens, model.max_tokens)
        batches = batching.batches(tokens, embedder.batch_tokens)
        return (
            Embedding(embedder, model, threads)
            .submit(read_from(chunks), len(chunks), batches, lambda _: None)
            .result()[0]
        )

    return work


if __name__ == "__main__":
    serve(load, "vecmill", "openvino", "tokie")
