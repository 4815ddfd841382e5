"""Batches of chunks of like length, as many as fit a budget of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from vecmill.protocols import Batching, Options

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt


class TokenBudgetOptions(Options):
    """Options of ``token_budget``: tokens in a batch, padding included; the engine's own wish by default."""

    max_tokens: int | None = Field(None, gt=0)


class TokenBudgetBatching(Batching[TokenBudgetOptions]):
    """Sorts chunks by length, longest first, so that hardly any of a batch is padding.

    The longest come first, so that too large a budget fails at once and not at the end.
    """

    name = "token_budget"
    Config = TokenBudgetOptions

    def batches(self, tokens: npt.NDArray[np.int64], preferred: int) -> Iterator[npt.NDArray[np.int64]]:
        """Yield batches of indices into ``tokens``; every index is in exactly one."""
        import numpy as np

        budget = self.config.max_tokens or preferred
        order = np.argsort(-tokens, kind="stable")
        start = 0
        while start < len(order):
            longest = max(int(tokens[order[start]]), 1)
            end = start + max(budget // longest, 1)
            yield order[start:end]
            start = end
