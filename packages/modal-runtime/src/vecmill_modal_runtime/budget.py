"""Budget: what a run on Modal costs, from its ceiling and its estimate to what it has spent so far."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING

from vecmill.errors import ConfigError
from vecmill.records import Cost, Pace, Range
from vecmill_modal_runtime.gpus import GPUS, PRICES_READ

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vecmill import Job
    from vecmill.records import ShardTask
    from vecmill_modal_runtime.options import ModalOptions


class Budget:
    """Adds up the time of the containers that are at work, or wait to be.

    An estimate from above: a container is counted from the moment its shard is handed to Modal, so that its
    start is in it, until it has waited in vain for another.

    Args:
        options: Which machines, and the limit if there is one.
        earlier: What earlier commands spent on the run; it counts.
        shard: What a shard is expected to cost, until the first are done.
        clock: Seconds.
    """

    def __init__(
        self,
        options: ModalOptions,
        earlier: Cost | None = None,
        shard: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = options.ceiling
        self._options = options
        self._price = options.price
        self._before = earlier or Cost(estimate=0, container_seconds=0, price_per_second=self._price)
        self._clock = clock
        self._last = clock()
        self._busy = 0
        self._waiting: list[float] = []
        self._seconds = 0.0
        self._guess = shard
        self._shard_costs: list[float] = []
        self._lock = threading.RLock()  # shards are given out in one thread and come back in another

    def busy(self, containers: int) -> None:
        """Say how many containers are at work from now on; those that are not any more wait for a while."""
        with self._lock:
            now = self._count()
            released = [now + self._options.scaledown_window] * (self._busy - containers)
            self._waiting = [*self._waiting[max(0, containers - self._busy) :], *released]
            self._busy = containers

    def add_duration(self, seconds: float) -> None:
        """Say how long a worker took for a shard."""
        self._shard_costs.append(seconds * self._price / self._options.concurrency)

    def close(self) -> None:
        """Say that there will be no more work: containers end when they have waited long enough."""
        self.busy(0)
        self._seconds += sum(until - self._last for until in self._waiting)
        self._waiting.clear()

    def affords(self, in_flight: int) -> bool:
        """Whether one more shard can be begun, so that it and those in flight are done within the limit.

        The time for which their containers wait afterwards counts, for it is paid for too.
        """
        if self._limit is None:
            return True
        at_once = self._options.max_containers * self._options.concurrency
        if not self._shard_costs and in_flight >= at_once:
            return False  # what a shard costs is not known yet
        return self.spent + self.shard * (in_flight + 1) + self._idle_cost(in_flight + 1) < self._limit

    @property
    def refusal(self) -> str:
        """Why a shard was not begun, and what to do."""
        return (
            f"not begun: the run has cost about ${self.spent:.2f}, one shard about ${self.shard:.2f}, the "
            f"{self._options.scaledown_window} s for which a container waits afterwards (runtime.scaledown_window) "
            f"${self._idle_cost(1):.2f}, and runtime.max_cost_usd is {self._limit}. Raise it to go on; what is done is "
            "kept"
        )

    @property
    def shard(self) -> float:
        """What a shard costs, in dollars."""
        return sum(self._shard_costs) / len(self._shard_costs) if self._shard_costs else self._guess

    @property
    def containers(self) -> int:
        """How many containers are at work."""
        return self._busy

    @property
    def spent(self) -> float:
        """What the run has cost so far, in dollars."""
        self._count()
        return self._before.estimate + self._seconds * self._price

    @property
    def cost(self) -> Cost:
        """The same, with how it came about."""
        return Cost(
            estimate=round(self.spent, 6),
            gpu=" or ".join(self._options.gpu),
            container_seconds=round(self._before.container_seconds + self._seconds, 3),
            price_per_second=round(self._price, 9),
        )

    def _idle_cost(self, shards: int) -> float:
        """Return what it will cost that containers wait: those that do now, and those that do these shards."""
        with self._lock:
            now = self._count()
            containers = min(self._options.max_containers, -(-shards // self._options.concurrency))
            waiting = self._waiting[max(0, containers - self._busy) :]
            seconds = containers * self._options.scaledown_window + sum(until - now for until in waiting)
        return seconds * self._price

    def _count(self) -> float:
        """Add the time since the last count."""
        with self._lock:
            now = self._clock()
            self._seconds += self._busy * (now - self._last)
            self._seconds += sum(max(0.0, min(now, until) - self._last) for until in self._waiting)
            self._waiting = [until for until in self._waiting if until > now]
            self._last = now
            return now


MARGIN = 1.5
"""What is proposed, over the most that is expected."""


def require_ceiling(options: ModalOptions, expect: Callable[[], Range | None]) -> None:
    """Refuse a run without ``max_cost_usd``.

    Args:
        options: Of the run.
        expect: Asked only then: what it will cost, as far as that is known.

    Raises:
        ConfigError: Says what the run will cost, and what to set.
    """
    if options.max_cost_usd is not None:
        return
    found = expect()
    if found is None:
        what, such = "what this run costs is not known here (`vecmill estimate` says)", 10
    else:
        what = f"this run costs about {found.low:,.2f} to {found.high:,.2f} USD"
        such = max(1, math.ceil(found.high * MARGIN))
    raise ConfigError(
        f"runtime.max_cost_usd is not set, and {what}: set it to the most that you would pay, such as "
        f'runtime.max_cost_usd={such}, or to "none" to accept any cost'
    )


def expect_cost(job: Job) -> Range | None:
    """Estimate what a job costs from a part of its source; None if that cannot be read here, or nothing is known."""
    from vecmill import estimate

    try:
        return estimate(job).cost_usd
    except Exception:  # noqa: BLE001 - a plugin may raise anything, and the message comes all the same
        return None


def expect_cost_of(tasks: Sequence[ShardTask], options: ModalOptions) -> Range | None:
    """Reckon what shards will cost from the size of their text; None for a model of unknown size."""
    from vecmill.records import Range

    bytes_ = sum(task.partition.bytes for task in tasks)
    first = tasks[0].partition.bytes
    low = shard_dollars(options, tasks[0]) * bytes_ / first if first else 0.0
    if not low:
        return None
    workers = min(options.max_containers, len(tasks))
    start = workers * STARTUP_SECONDS * options.price
    return Range(low=low + start, high=low * _spread(options) + start)


def _spread(options: ModalOptions) -> float:
    """Return how many times the least that a shard costs is the most, over all GPUs that may be taken."""
    known = pace(options, 1.0)
    kinds = [kind for kind in known.choices or (known,) if kind.tokens_per_second and kind.price]
    each = [(kind.price or 0.0) / kind.tokens_per_second.low for kind in kinds if kind.tokens_per_second]
    best = [(kind.price or 0.0) / kind.tokens_per_second.high for kind in kinds if kind.tokens_per_second]
    return max(each) / min(best)


CORE_PEAK = 80e9
"""Single-precision operations a second of one processor core."""
REACHED = (0.15, 0.32)
"""The share of the peak that the router's published rates come to, for models of 20 to 110 million parameters."""
BYTES_PER_TOKEN, CHUNK_TOKENS = 4.0, 256.0
"""Of text in a European language, and of a paragraph."""
UNKNOWN = "whose speed is not known, for the model's config.json does not say how large it is"
STARTUP_SECONDS = 60.0
"""A container, an image that is cached, the weights, the router's warm-up."""


def pace(options: ModalOptions, flop_per_token: float) -> Pace:
    """Reckon with each GPU that a job allows; a model of unknown size has a price a second, and no speed."""
    kinds = options.gpu or ("",)
    each = [_pace_of(kind, options, flop_per_token) for kind in kinds]
    if len(each) == 1:
        return each[0]
    return each[0].model_copy(
        update={
            "where": f"{options.max_containers} x {' or '.join(kinds)} on Modal",
            "tokens_per_second": _span([kind.tokens_per_second for kind in each]),
            "price": options.price,
            "basis": _basis(options) if flop_per_token else UNKNOWN,
            "choices": tuple(each),
        }
    )


def _pace_of(kind: str, options: ModalOptions, flop_per_token: float) -> Pace:
    """Reckon with one kind of GPU; with processors for an empty name."""
    peak = GPUS[kind].peak if kind else CORE_PEAK * options.cpu
    only = options.model_copy(update={"gpu": (kind,) if kind else ()})
    slow, fast = (share * peak / flop_per_token if flop_per_token else 0.0 for share in REACHED)
    return Pace(
        where=f"{options.max_containers} x {kind or f'{options.cpu:g} cores'} on Modal",
        tokens_per_second=Range(low=slow, high=fast) if fast else None,
        workers=options.max_containers,
        startup_seconds=STARTUP_SECONDS,
        price=only.price,
        basis=_basis(only) if flop_per_token else UNKNOWN,
    )


def _span(speeds: Sequence[Range | None]) -> Range | None:
    known = [speed for speed in speeds if speed is not None]
    return Range(low=min(each.low for each in known), high=max(each.high for each in known)) if known else None


def _basis(options: ModalOptions) -> str:
    """Say what the numbers rest on, and for which kinds nobody has published how fast the router is."""
    share = f"{REACHED[0]:.0%} to {REACHED[1]:.0%} of the {'half-precision ' if options.gpu else ''}peak"
    prices = f"Modal's list prices of {PRICES_READ}"
    unknown = [name for name in options.gpu if not GPUS[name].rated]
    if not options.gpu:
        share += " of its cores"
    elif unknown:
        share += f" (as on an A10 or L4: no rate is published for {' or '.join(unknown)})"
    return f"{share}, and {prices}; not yet tried on Modal"


def shard_dollars(options: ModalOptions, task: ShardTask) -> float:
    """Reckon what a shard will cost at least, from the size of its text; 0 for a model of unknown size."""
    from vecmill.models import describe_model, flop_per_token

    model = task.spec.embedder.options.get("model")
    if not model:
        return 0.0
    found = describe_model(model, task.spec.embedder.options.get("revision"))
    known = pace(options, flop_per_token(found, CHUNK_TOKENS))
    tokens = task.partition.bytes / BYTES_PER_TOKEN
    each = (
        (kind.price or 0.0) * tokens / kind.tokens_per_second.high
        for kind in known.choices or (known,)
        if kind.tokens_per_second
    )
    return min(each, default=0.0) / options.concurrency
