"""HashEmbedder: vectors from a text's hash, for jobs that test everything but the model."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from vecmill.errors import EmbedError
from vecmill.protocols import Embedder, Options
from vecmill.records import ModelInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from vecmill.protocols import Tokenizer


class HashOptions(Options):
    """What kind of model to be.

    Attributes:
        dimension: Width of a vector.
        max_tokens: Longest input.
        prompt: Put in front of documents.
        refuse: A text that contains this cannot be embedded.
        spoil: A text that contains this gets a vector that is not a number.
    """

    dimension: int = 8
    max_tokens: int = 64
    prompt: str = ""
    refuse: str | None = None
    spoil: str | None = None


class HashEmbedder(Embedder[HashOptions]):
    """The same text always has the same unit vector; other texts have others. No meaning at all."""

    name = "hash"
    Config = HashOptions
    batch_tokens = 256

    def model(self) -> ModelInfo:
        """Describe a model that is its options."""
        return ModelInfo(
            id="hash",
            revision="1",
            dimension=self.config.dimension,
            max_tokens=self.config.max_tokens,
            pooling="mean",
            normalized=True,
            prompt=self.config.prompt,
        )

    def tokenizer(self) -> Tokenizer:
        """Count words."""
        from vecmill.testing.tokenizer import WordTokenizer

        return WordTokenizer()

    @property
    def concurrency(self) -> int:
        """Two calls at once, so that a job's order is put to the test."""
        return 2

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Hash each text to a unit vector."""
        import numpy as np

        refused = [text for text in texts if self.config.refuse and self.config.refuse in text]
        if refused:
            raise EmbedError(f"the engine refuses {refused[0]!r}")
        vectors = np.array([self._vector(text) for text in texts], np.float32).reshape(-1, self.config.dimension)
        spoilt = [bool(self.config.spoil and self.config.spoil in text) for text in texts]
        vectors[np.array(spoilt, np.bool_)] = np.nan
        return vectors

    def _vector(self, text: str) -> npt.NDArray[np.float64]:
        import numpy as np

        seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
        vector = np.random.default_rng(seed).normal(size=self.config.dimension)
        return vector / np.linalg.norm(vector)
