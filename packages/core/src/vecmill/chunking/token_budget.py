"""Batching: how chunks go to the engine, by a budget of tokens or a fixed number at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from vecmill.protocols import Batching, Options

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt


class TokenBudgetBatching(Batching["TokenBudgetBatching.Config"]):
    """Sorts chunks by length, longest first, so that hardly any of a batch is padding.

    The longest come first, so that too large a budget fails at once and not at the end.
    """

    name = "token_budget"

    class Config(Options):
        """Options of ``token_budget``.

        Attributes:
            max_tokens: Tokens in a batch, padding included; what suits the engine by default.
        """

        max_tokens: int | None = Field(None, gt=0)

    def batches(self, tokens: npt.NDArray[np.int64], preferred: int) -> Iterator[npt.NDArray[np.int64]]:
        """Yield batches of indices into ``tokens``; every index is in exactly one."""
        from vecmill.models import group_by_tokens

        return group_by_tokens(tokens, self.config.max_tokens or preferred)


class FixedBatching(Batching["FixedBatching.Config"]):
    """Takes chunks as they come, ``size`` at a time."""

    name = "fixed"

    class Config(Options):
        """Options of ``fixed``.

        Attributes:
            size: Chunks in each batch.
        """

        size: int = Field(512, gt=0)

    def batches(self, tokens: npt.NDArray[np.int64], preferred: int) -> Iterator[npt.NDArray[np.int64]]:  # noqa: ARG002 - the engine is not asked
        """Yield batches of indices into ``tokens``; every index is in exactly one."""
        import numpy as np

        for start in range(0, len(tokens), self.config.size):
            yield np.arange(start, min(start + self.config.size, len(tokens)))
