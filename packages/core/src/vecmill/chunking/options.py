"""Options of the chunkers and of batching."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from vecmill.chunking.limits import DEFAULT_TOKENS
from vecmill.protocols import Options


class CharactersOptions(Options):
    """Options of ``characters``: ``size`` of a chunk, and ``overlap`` with the one before."""

    size: int = Field(400, gt=0)
    overlap: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _moves_on(self) -> Self:
        if self.overlap >= self.size:
            raise ValueError(f"overlap ({self.overlap}) must be smaller than size ({self.size})")
        return self


class TokensOptions(Options):
    """Options of ``tokens``: tokens of a chunk as embedded, and how many of them repeat the chunk before."""

    max_tokens: int = Field(DEFAULT_TOKENS, gt=0)
    overlap: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _moves_on(self) -> Self:
        if self.overlap >= self.max_tokens:
            raise ValueError(f"overlap ({self.overlap}) must be smaller than max_tokens ({self.max_tokens})")
        return self


class FixedOptions(Options):
    """Options of ``fixed``: ``size`` chunks in each batch."""

    size: int = Field(512, gt=0)


class TokenBudgetOptions(Options):
    """Options of ``token_budget``: tokens in a batch, padding included; the engine's own wish by default."""

    max_tokens: int | None = Field(None, gt=0)
