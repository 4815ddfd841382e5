"""Batches of a fixed number of chunks, in source order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from vecmill.protocols import Batching, Options

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt


class FixedOptions(Options):
    """Options of ``fixed``: ``size`` chunks in each batch."""

    size: int = Field(512, gt=0)


class FixedBatching(Batching[FixedOptions]):
    """Takes chunks as they come, ``size`` at a time."""

    name = "fixed"
    Config = FixedOptions

    def batches(self, tokens: npt.NDArray[np.int64], preferred: int) -> Iterator[npt.NDArray[np.int64]]:  # noqa: ARG002 - the engine is not asked
        """Yield batches of indices into ``tokens``; every index is in exactly one."""
        import numpy as np

        for start in range(0, len(tokens), self.config.size):
            yield np.arange(start, min(start + self.config.size, len(tokens)))
