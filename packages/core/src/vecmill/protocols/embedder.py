"""Embedder: text in, vectors out."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from vecmill.protocols.component import MACHINE, Component, ConfigT, marked_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from vecmill.protocols.tokenizer import Tokenizer
    from vecmill.records import ModelInfo


class Embedder(Component[ConfigT]):
    """A model behind an engine.

    ``model`` and ``tokenizer`` answer before ``open``; the weights are loaded by ``open`` alone. The worker
    puts the prompt in front of the text and, up to ``concurrency`` at a time, calls ``embed`` from threads.

    Attributes:
        batch_tokens: The tokens in a batch, padding included, at which the engine is fastest.
        machine: The names of the options that are marked ``MACHINE``. A class that sets it adds to those.
    """

    batch_tokens: ClassVar[int] = 16_384
    machine: ClassVar[frozenset[str]] = marked_options(MACHINE)

    @abstractmethod
    def model(self) -> ModelInfo:
        """Describe the model, without loading its weights.

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
            Shape ``(len(texts), dimension)``, float32.

        Raises:
            EmbedError: One of these texts cannot be embedded; the worker splits the batch. Where every text is
                refused, the worker holds the engine at fault, and shows the error's message.
            EngineError: The engine failed; the worker fails the shard, and it is tried again.
        """

    def close(self) -> None:
        """Free what ``open`` took."""
