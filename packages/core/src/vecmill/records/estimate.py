"""Estimate: what a job will come to, before it is run."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Range(BaseModel):
    """A number that is known to lie about between two others."""

    model_config = ConfigDict(frozen=True)

    low: float
    high: float


class Pace(BaseModel):
    """How fast a runtime embeds, and at what price.

    Attributes:
        where: As text, such as ``10 x A10G on Modal``.
        tokens_per_second: Of one worker; none where it is not known.
        workers: The most that work at once.
        startup_seconds: Until a worker embeds its first chunk.
        price: Dollars for a second of one worker; none where nobody sends a bill.
        basis: Where these numbers come from.
        choices: The same for each kind of machine, where a worker may be any of several; the numbers above span them.
    """

    model_config = ConfigDict(frozen=True)

    where: str
    tokens_per_second: Range | None
    workers: int = 1
    startup_seconds: float = 0
    price: float | None = None
    basis: str
    choices: tuple[Pace, ...] = ()


class Estimate(BaseModel):
    """What a job will come to.

    Attributes:
        sampled_bytes: How much text was read and chunked to know it.
        source_bytes: How much text there is; when all of it was read, the counts are exact.
        spread: Half the width of the 95% interval of ``chunks`` and ``tokens``, as a share of them.
        dataset_bytes: About what the shards will take on disk.
        pace: How fast the runtime is; none if that is not known.
        seconds: From the first worker's start to the last shard.
        cost_usd: Dollars; none where nobody sends a bill.
    """

    model_config = ConfigDict(frozen=True)

    documents: int
    characters: int
    chunks: int
    tokens: int
    shards: int
    dataset_bytes: int
    source_bytes: int
    sampled_bytes: int
    spread: float
    pace: Pace | None
    seconds: Range | None
    cost_usd: Range | None

    @property
    def exact(self) -> bool:
        """Whether all of the corpus was counted."""
        return self.sampled_bytes >= self.source_bytes
