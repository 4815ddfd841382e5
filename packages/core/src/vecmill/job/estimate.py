"""Estimate: what a job will come to in chunks, bytes, time and money, before it is run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from vecmill.errors import ConfigError, SourceError
from vecmill.job.density import bytes_on_disk
from vecmill.job.plan import components
from vecmill.job.sample import sample
from vecmill.job.timing import timed
from vecmill.models.flop import flop_per_token
from vecmill.plugins import load
from vecmill.plugins.build import build
from vecmill.records import ComponentSpec, Estimate, Range

if TYPE_CHECKING:
    from vecmill.job.config import Job
    from vecmill.job.sample import Sample
    from vecmill.plugins import Registry
    from vecmill.records import Pace


def estimate(job: Job, gpus: int | None = None) -> Estimate:
    """Read a part of the corpus and say what all of it will come to. Nothing is written.

    Args:
        job: The job.
        gpus: Reckon with this many GPUs on Modal, whatever runtime the job names.

    Raises:
        VecmillError: The job, its model or its source is wrong.
    """
    registry = load().registry
    runtime = build(registry, "runtime", _runtime(job, registry, gpus))
    parts, model = components(job, registry)
    found = sample(parts["source"], parts["chunker"], parts["embedder"].tokenizer())
    if not found.pieces:
        raise SourceError(f"the source {job.source.name!r} has no documents")
    dataset_bytes = bytes_on_disk(found.total("chunks"), found.source_bytes, model.dimension)
    shards = max(1, math.ceil(dataset_bytes / (job.shards.target_mb * 1e6)))
    pace = _pace(runtime, parts, found)
    return Estimate(
        **{name: found.total(name) for name in ("documents", "characters", "chunks", "tokens")},
        shards=shards,
        dataset_bytes=round(dataset_bytes),
        source_bytes=found.source_bytes,
        sampled_bytes=found.bytes,
        spread=max(found.spread("chunks"), found.spread("tokens")),
        pace=pace,
        seconds=_seconds(pace, found, shards),
        cost_usd=_cost(pace, found, shards),
    )


def _runtime(job: Job, registry: Registry, gpus: int | None) -> ComponentSpec:
    if gpus is None:
        return job.runtime
    if "modal" not in registry.entries["runtime"]:
        raise ConfigError('--gpus reckons with GPUs on Modal: `pip install "vecmill[modal]"` first')
    return ComponentSpec(name="modal", options={**_of_modal(job.runtime, registry), "max_containers": gpus})


def _of_modal(spec: ComponentSpec, registry: Registry) -> dict[str, Any]:
    """Return the options that are meant for Modal: with another runtime in the job, those that are none of its own."""
    if spec.name == "modal":
        return spec.options
    own = registry.get("runtime", spec.name).Config.model_fields
    return {name: value for name, value in spec.options.items() if name not in own}


def _pace(runtime: Any, parts: dict[str, Any], found: Sample) -> Pace | None:  # noqa: ANN401 - of any options
    if not found.texts:
        return None
    length = found.total("tokens") / max(1, found.total("chunks"))
    pace: Pace | None = runtime.pace(_flop(parts["embedder"], length))
    return pace or timed(parts["embedder"], parts["batching"], found)


def _flop(embedder: Any, length: float) -> float:  # noqa: ANN401 - (the same)
    from vecmill.models import describe_model

    options = embedder.config
    model = getattr(options, "model", None)
    return flop_per_token(describe_model(model, getattr(options, "revision", None)), length) if model else 0.0


def _seconds(pace: Pace | None, found: Sample, shards: int) -> Range | None:
    if pace is None or pace.tokens_per_second is None:
        return None
    return _span([_duration(choice, found, shards) for choice in pace.choices or (pace,)])


def _cost(pace: Pace | None, found: Sample, shards: int) -> Range | None:
    """Reckon each kind of machine at its own speed and price: the dearest need not cost most."""
    if pace is None or pace.price is None or pace.tokens_per_second is None:
        return None
    costs = []
    for choice in pace.choices or (pace,):
        seconds, each = _duration(choice, found, shards), (choice.price or 0.0) * min(choice.workers, shards)
        costs.append(Range(low=each * seconds.low, high=each * seconds.high))
    return _span(costs)


def _duration(pace: Pace, found: Sample, shards: int) -> Range:
    speed = pace.tokens_per_second
    assert speed is not None  # noqa: S101 - a pace has a speed where its choices have
    tokens, workers = found.total("tokens"), min(pace.workers, shards)
    fast, slow = (tokens / workers / each for each in (speed.high, speed.low))
    return Range(low=pace.startup_seconds + fast, high=pace.startup_seconds + slow)


def _span(ranges: list[Range]) -> Range:
    return Range(low=min(each.low for each in ranges), high=max(each.high for each in ranges))
