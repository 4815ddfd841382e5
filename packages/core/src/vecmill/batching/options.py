"""What a job file can say of batches."""

from __future__ import annotations

from pydantic import Field

from vecmill.protocols import Options


class FixedOptions(Options):
    """Options of ``fixed``: ``size`` chunks in each batch."""

    size: int = Field(512, gt=0)


class TokenBudgetOptions(Options):
    """Options of ``token_budget``: tokens in a batch, padding included; the engine's own wish by default."""

    max_tokens: int | None = Field(None, gt=0)
