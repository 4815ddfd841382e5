"""Embedder: text in, vectors out."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vecmill.concurrency import usable_processors
from vecmill.protocols.component import MACHINE, Component, ConfigT, marked_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from vecmill.protocols.tokenizer import Tokenizer
    from vecmill.records import ModelInfo


@dataclass(frozen=True, slots=True)
class Resources:
    """What a worker may use of its machine; a runtime gives it to the worker, and the worker to the embedder.

    Attributes:
        threads: How many threads may compute at once; None for one on each processor that the process may use.
        device: Where to compute, as the embedder names it, such as ``cuda:1``; empty to leave it to the embedder.
    """

    threads: int | None = None
    device: str = ""

    def count_threads(self) -> int:
        """Return how many threads may compute at once."""
        return self.threads or len(usable_processors())


class Embedder(Component[ConfigT]):
    """A model behind an engine.

    A worked example::

        class Counts(Embedder[Options]):
            name = "counts"

            def model(self):
                return ModelInfo(
                    id="counts", revision="1", dimension=26, max_tokens=10_000, pooling="none",
                    normalized=False, similarity="cosine",
                )

            def tokenizer(self):
                return WordTokenizer()  # of vecmill.testing

            def embed(self, texts):
                counts = [[1 + text.count(letter) for letter in string.ascii_lowercase] for text in texts]
                return np.array(counts, np.float32)

    ``model`` and ``tokenizer`` answer before ``open``; the weights are loaded by ``open`` alone. The worker
    puts the prompt in front of the text and, up to ``concurrency`` at a time, calls ``embed`` from threads.

    Attributes:
        resources: What it may use of the machine; the worker sets it before ``open``.
        batch_tokens: The tokens in a batch, padding included, at which the engine is fastest.
        machine: The names of the options that are marked ``MACHINE``. A class that sets it adds to those.
    """

    batch_tokens: ClassVar[int] = 16_384
    machine: ClassVar[frozenset[str]] = marked_options(MACHINE)
    resources: Resources = Resources()

    @abstractmethod
    def model(self) -> ModelInfo:
        """Describe the model, without loading its weights: what it gives for a text, and how that is compared.

        A worker that finds another one than the driver did makes no shard. An embedder that reads files of a folder
        puts a hash of each into ``files``: with other content it is another run.

        Raises:
            ModelError: There is no such model, or not one this embedder can run.
        """

    @abstractmethod
    def tokenizer(self) -> Tokenizer:
        """Return the model's own token counter."""

    @property
    def concurrency(self) -> int:
        """How many calls of ``embed`` the engine can use at the same time."""
        return 1

    def open(self) -> None:
        """Load the model or reach the engine. Called once in each worker, before ``embed``."""

    @abstractmethod
    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts, in order. A text over the model's limit is cut to it; the worker has asked and counted.

        Returns:
            Shape ``(len(texts), dimension)``, float32: the values of ``model().output``.

        Raises:
            EmbedError: One of these texts cannot be embedded; the worker splits the batch. Where every text is
                refused, the worker holds the engine at fault, and shows the error's message.
            EngineError: The engine failed; the worker fails the shard, and it is tried again.
        """

    def close(self) -> None:
        """Free what ``open`` took."""


def group_by_tokens(tokens: npt.NDArray[np.int64], budget: int) -> Iterator[npt.NDArray[np.int64]]:
    """Group texts into batches of similar length, the longest first, so that hardly any of a batch is padding.

    An engine that splits a call in this way leaves a batch of ``token_budget`` as it is.

    Args:
        tokens: Each text's number of tokens, shape ``(n,)``.
        budget: The most tokens of a batch, padding included; a longer text is a batch alone.

    Yields:
        Indices into ``tokens``; every index is in exactly one batch.
    """
    import numpy as np

    order = np.argsort(-tokens, kind="stable")
    start = 0
    while start < len(order):
        longest = max(int(tokens[order[start]]), 1)
        end = start + max(budget // longest, 1)
        yield order[start:end]
        start = end
