"""Batching: which chunks are embedded together."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from vecmill.protocols.component import Component, ConfigT

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt


class Batching(Component[ConfigT]):
    """Groups the chunks of one window into batches."""

    @abstractmethod
    def batches(self, tokens: npt.NDArray[np.int64], preferred: int) -> Iterator[npt.NDArray[np.int64]]:
        """Yield batches of indices into ``tokens``; every index is in exactly one.

        Args:
            tokens: The number of tokens of each chunk, special tokens included.
            preferred: The engine's own wish for the tokens in a batch, padding included.
        """
