"""Options of the ``modal`` runtime, checked here, for Modal's client checks none of them."""

from __future__ import annotations

import difflib
import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationInfo, field_validator

from vecmill.protocols import Options
from vecmill_modal_runtime.gpus import GPUS, REFUSED, REGIONS, price

if TYPE_CHECKING:
    from collections.abc import Iterable

NAME = "modal"
"""How a job names the launcher and the runtime."""
DAY = 86_400
"""The longest time that Modal lets a call take, in seconds."""
BUCKET_NAME = r"^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9](/[^/]+)*/?$"


class ModalOptions(Options):
    """How to use Modal.

    Attributes:
        gpu: One kind, or several in order of preference, such as ``["A10G", "L4"]``; none for processors alone.
        cpu: Processor cores next to each GPU: the router needs them to tokenize.
        memory_gib: Memory of a container.
        max_batch_tokens: The most tokens that the router computes at once; by default 65,536, or fewer where the model
            and the GPU's memory do not allow it.
        max_containers: The most that run at once.
        min_containers: 0. Modal keeps containers of the class warm before it knows their model, and those serve no run.
        scaledown_window: Seconds that a container waits for more work before it ends.
        concurrency: Shards that a container works on at once.
        timeout_s: Longest time for one attempt at a shard.
        startup_timeout_s: Longest time to load the model.
        attempts: How often a shard is tried before it counts as failed.
        window: Shards that may wait in Modal's queue, besides those that are worked on.
        region: Where to run; anywhere by default, which is cheapest.
        memory_snapshot: Start containers from a snapshot of the memory, taken when the worker's code is imported.
        bucket: A bucket to mount read-only at ``/mnt/bucket`` in every container, for a source that lies there:
            its name, or ``name/prefix``.
        bucket_endpoint: Where it is if not on S3, such as ``https://storage.googleapis.com``.
        bucket_secret: The Modal Secret with the keys to it; none for a public one.
        max_cost_usd: Begin no shard that would take the run's cost above about this much; ``"none"`` accepts any cost.
            A run that says neither is refused.
    """

    gpu: tuple[str, ...] = ("A10G",)
    cpu: float = Field(4.0, ge=0.125, le=64)
    memory_gib: float = Field(8.0, ge=0.125, le=336)
    max_batch_tokens: int | None = Field(None, ge=1, le=1 << 20)
    max_containers: int = Field(10, ge=1, le=1000)
    min_containers: int = Field(0, ge=0)
    scaledown_window: int = Field(60, ge=2, le=3600)
    concurrency: int = Field(1, ge=1, le=64)
    timeout_s: int = Field(3600, ge=1, le=DAY)
    startup_timeout_s: int = Field(900, ge=1, le=DAY)
    attempts: int = Field(3, ge=1, le=11)
    window: int = Field(20, ge=1, le=1000)
    region: str | None = None
    memory_snapshot: bool = False
    bucket: str | None = Field(None, pattern=BUCKET_NAME)
    bucket_endpoint: str | None = Field(None, pattern=r"^https://[^/\s]+/?$")
    bucket_secret: str | None = Field(None, min_length=1)
    max_cost_usd: float | Literal["none"] | None = None

    @field_validator("gpu", mode="before")
    @classmethod
    def _listify(cls, value: object) -> object:
        if value is None or value == "":
            return ()
        return (value,) if isinstance(value, str) else value

    @field_validator("gpu")
    @classmethod
    def _check_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(name.strip().upper() for name in value)
        for name in names:
            _check_gpu(name)
        if len({*names}) < len(names):
            raise ValueError(f"each kind stands once: {', '.join(names)}")
        return names

    @field_validator("region")
    @classmethod
    def _a_region(cls, value: str | None) -> str | None:
        if value is not None and value not in REGIONS:
            raise ValueError(f"there is no region {value!r}; {_hint(value, REGIONS)}there are {', '.join(REGIONS)}")
        return value

    @field_validator("min_containers")
    @classmethod
    def _none_warm(cls, value: int) -> int:
        if value:
            raise ValueError(
                "Modal would keep containers warm, and bill them, that have no model and so do no shard of any run: "
                "leave it out; scaledown_window keeps a container for the next shard"
            )
        return value

    @field_validator("max_cost_usd", mode="plain")
    @classmethod
    def _an_amount(cls, value: object) -> object:
        if value is None or value == "none":
            return value
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf:
            return float(value)
        raise ValueError('a number of dollars above 0 is needed, or "none" to accept any cost')

    @field_validator("bucket_endpoint", "bucket_secret")
    @classmethod
    def _of_a_bucket(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("bucket") is None:
            raise ValueError("it means nothing without a bucket")
        return value

    @property
    def price(self) -> float:
        """Dollars for a second of one container."""
        return price(self.gpu, self.cpu, self.memory_gib, self.region)

    @property
    def ceiling(self) -> float | None:
        """The most that a run may cost, in dollars; None for any cost."""
        return None if self.max_cost_usd == "none" else self.max_cost_usd

    @property
    def memory_mib(self) -> int:
        """Memory of a container as Modal counts it."""
        return int(self.memory_gib * 1024)

    @property
    def in_flight(self) -> int:
        """Shards that may be with Modal at once, waiting or worked on."""
        return self.max_containers * self.concurrency + self.window


def _check_gpu(name: str) -> None:
    """Refuse a GPU that there is none of, or that a router cannot use.

    Raises:
        ValueError: Names it, and what to write.
    """
    kind, colon, count = name.partition(":")
    if colon and kind in GPUS:
        raise ValueError(
            f"{name!r} is {count or 'a number of'} GPUs in one container, and a router uses one of them: write "
            f"{kind!r}, and raise max_containers"
        )
    if kind in REFUSED:
        raise ValueError(f"{name!r}: {REFUSED[kind]}")
    if name not in GPUS:
        raise ValueError(f"there is no GPU {name!r}; {_hint(name, GPUS)}there are {', '.join(GPUS)}")


def _hint(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}? " if close else ""
