"""Batches of a fixed number of chunks, in source order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vecmill.protocols import Batching, later

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    from vecmill.batching.options import FixedOptions


class FixedBatching(Batching["FixedOptions"]):
    """Takes chunks as they come, ``size`` at a time."""

    name = "fixed"
    Config = later("vecmill.batching.options:FixedOptions")

    def batches(self, tokens: npt.NDArray[np.int64], preferred: int) -> Iterator[npt.NDArray[np.int64]]:  # noqa: ARG002 - the engine is not asked
        """Yield batches of indices into ``tokens``; every index is in exactly one."""
        import numpy as np

        for start in range(0, len(tokens), self.config.size):
            yield np.arange(start, min(start + self.config.size, len(tokens)))
