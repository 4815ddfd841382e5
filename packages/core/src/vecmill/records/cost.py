"""Cost: what a run has cost, where somebody sends a bill."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from vecmill.records.bounds import Amount, Word

HOUR = 3600


class Cost(BaseModel):
    """About what a run has cost, over all commands that worked on it.

    Attributes:
        currency: Of ``estimate`` and ``price_per_second``.
        estimate: Containers' seconds times their price; an estimate from above, not a bill.
        gpu: What the last command asked for, such as ``A10G``; empty for processors alone.
        container_seconds: Time summed over containers, their start and their idle time included.
        price_per_second: Of one container of the last command, its processors and memory included.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    currency: Word = "USD"
    estimate: Amount
    gpu: Word = ""
    container_seconds: Amount
    price_per_second: Amount

    def __str__(self) -> str:
        """Say it in a line."""
        hours, kind = self.container_seconds / HOUR, self.gpu or "no GPU"
        return (
            f"about {self.estimate:,.2f} {self.currency}: {hours:,.2f} container hours ({kind}) "
            f"at {self.price_per_second:.6f} a second"
        )
