"""Pace: how fast Modal's containers embed, reckoned from the model's size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vecmill.records import Pace, Range
from vecmill_modal_runtime.gpus import GPUS, PRICES_READ

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vecmill.records import ShardTask
    from vecmill_modal_runtime.options import ModalOptions

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
