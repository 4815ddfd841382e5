"""Options of the ``modal`` runtime, checked here, for Modal's client checks none of them."""

from __future__ import annotations

import difflib

from pydantic import Field, field_validator

from vecmill.protocols import Options
from vecmill_modal_runtime.gpus import GPUS

DAY = 86_400
"""The longest time that Modal lets a call take, in seconds."""


class ModalOptions(Options):
    """How to use Modal.

    Attributes:
        gpu: One kind, or several in order of preference, such as ``["A10G", "L4"]``; none for processors alone.
        cpu: Processor cores beside each GPU: the router needs them to tokenize.
        memory_gib: Memory of a container.
        max_containers: The most that run at once.
        min_containers: Kept warm, and paid for, while the app is deployed.
        scaledown_window: Seconds that a container waits for more work before it ends.
        concurrency: Shards that a container works on at once.
        timeout_s: Longest time for one attempt at a shard.
        startup_timeout_s: Longest time to load the model.
        attempts: How often a shard is tried before it counts as failed.
        window: Shards that may wait in Modal's queue, beside those that are worked on.
        region: Where to run; anywhere by default, which is cheapest.
        memory_snapshot: Start containers from a snapshot of the memory, where the worker allows for it.
        max_cost_usd: Begin no more shards once the run has cost about this much.
    """

    gpu: tuple[str, ...] = ("A10G",)
    cpu: float = Field(4.0, gt=0, le=64)
    memory_gib: float = Field(8.0, gt=0, le=336)
    max_containers: int = Field(10, ge=1, le=1000)
    min_containers: int = Field(0, ge=0)
    scaledown_window: int = Field(60, ge=2, le=1200)
    concurrency: int = Field(1, ge=1, le=64)
    timeout_s: int = Field(3600, ge=1, le=DAY)
    startup_timeout_s: int = Field(900, ge=1, le=DAY)
    attempts: int = Field(3, ge=1)
    window: int = Field(20, ge=1, le=1000)
    region: str | None = None
    memory_snapshot: bool = False
    max_cost_usd: float | None = Field(None, gt=0)

    @field_validator("gpu", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        if value is None or value == "":
            return ()
        return (value,) if isinstance(value, str) else value

    @field_validator("gpu")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in GPUS:
                close = difflib.get_close_matches(name.upper(), GPUS, n=1)
                hint = f"did you mean {close[0]!r}? " if close else ""
                raise ValueError(f"there is no GPU {name!r}; {hint}there are {', '.join(GPUS)}")
        return value

    @property
    def in_flight(self) -> int:
        """Shards that may be with Modal at once, waiting or worked on."""
        return self.max_containers * self.concurrency + self.window
