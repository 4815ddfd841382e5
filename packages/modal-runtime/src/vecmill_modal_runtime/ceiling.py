"""Ceiling: a run on Modal says beforehand what it may cost, or that any cost will do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from vecmill.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vecmill import Job
    from vecmill.records import Range, ShardTask
    from vecmill_modal_runtime.options import ModalOptions

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
    from vecmill.job.estimate import estimate

    try:
        return estimate(job).cost_usd
    except Exception:  # noqa: BLE001 - a plugin may raise anything, and the refusal is told all the same
        return None


def expect_cost_of(tasks: Sequence[ShardTask], options: ModalOptions) -> Range | None:
    """Reckon what shards will cost from the size of their text; None for a model of unknown size."""
    from vecmill.records import Range
    from vecmill_modal_runtime.pace import STARTUP_SECONDS, shard_dollars

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
    from vecmill_modal_runtime.pace import pace

    known = pace(options, 1.0)
    kinds = [kind for kind in known.choices or (known,) if kind.tokens_per_second and kind.price]
    each = [(kind.price or 0.0) / kind.tokens_per_second.low for kind in kinds if kind.tokens_per_second]
    best = [(kind.price or 0.0) / kind.tokens_per_second.high for kind in kinds if kind.tokens_per_second]
    return max(each) / min(best)
