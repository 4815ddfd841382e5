"""Pace: how fast Modal's containers embed, reckoned from the model's size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vecmill.records import Pace, Range
from vecmill_modal_runtime.gpus import GPUS, price

if TYPE_CHECKING:
    from vecmill.records import ShardTask
    from vecmill_modal_runtime.options import ModalOptions

CORE_PEAK = 80e9
"""Single-precision operations a second of one processor core."""
REACHED = (0.15, 0.32)
"""The share of the peak that the router's published rates come to, for models of 20 to 110 million parameters."""
BYTES_PER_TOKEN, CHUNK_TOKENS = 4.0, 256.0
"""Of text in a European language, and of a paragraph."""
STARTUP_SECONDS = 60.0
"""A container, an image that is cached, the weights, the router's warm-up."""


def pace(options: ModalOptions, flop_per_token: float) -> Pace | None:
    """Reckon from the slowest GPU that a job allows; None for a model of unknown size."""
    if not flop_per_token:
        return None
    peak = min((GPUS[name].peak for name in options.gpu), default=CORE_PEAK * options.cpu)
    low, high = (share * peak / flop_per_token for share in REACHED)
    kind = " or ".join(options.gpu) or f"{options.cpu:g} cores"
    return Pace(
        where=f"{options.max_containers} x {kind} on Modal",
        tokens_per_second=Range(low=low, high=high),
        workers=options.max_containers,
        startup_seconds=STARTUP_SECONDS,
        price=price(options.gpu, options.cpu, options.memory_gib),
        basis=f"{REACHED[0]:.0%} to {REACHED[1]:.0%} of the peak, and Modal's list prices; not yet tried on Modal",
    )


def shard_dollars(options: ModalOptions, task: ShardTask) -> float:
    """Reckon what a shard will cost at least, from the size of its text; 0 for a model of unknown size."""
    from vecmill.models import describe_model
    from vecmill.models.flop import flop_per_token

    model = task.spec.embedder.options.get("model")
    if not model:
        return 0.0
    found = describe_model(model, task.spec.embedder.options.get("revision"))
    known = pace(options, flop_per_token(found, CHUNK_TOKENS))
    if known is None or known.price is None:
        return 0.0
    seconds = task.partition.bytes / BYTES_PER_TOKEN / known.tokens_per_second.high
    return seconds * known.price / options.concurrency
