"""Estimate: the size, time and cost of a job, from a sample of its corpus and a trial of its engine."""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from vecmill.concurrency import Threads
from vecmill.errors import ConfigError, SourceError
from vecmill.job.plan import build_components, estimate_disk_bytes
from vecmill.models.model_files import flop_per_token
from vecmill.plugins import load
from vecmill.plugins.registry import build
from vecmill.protocols.component import make_prefix
from vecmill.records import ComponentSpec, Document, Estimate, Pace, Range
from vecmill.sources.corpus import Corpus
from vecmill.worker.embedding import Embedding, name_embedder_errors, read_from
from vecmill.worker.reading import cut, iterate_documents
from vecmill.worker.window import Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from vecmill.job.config import Job
    from vecmill.plugins import Registry
    from vecmill.protocols import Batching, Chunker, Embedder, Source, Tokenizer
    from vecmill.records import Partition


PIECES = 24
PIECE_BYTES = 500_000
TEXTS = 20_000
"""Chunks to time an embedder with."""


@dataclass(slots=True)
class Piece:
    """Counts of one partition."""

    bytes: int
    documents: int = 0
    characters: int = 0
    chunks: int = 0
    tokens: int = 0


@dataclass(slots=True)
class Sample:
    """Counts of some partitions of a source, and what follows for all of it.

    Attributes:
        source_bytes: Text in the source.
        pieces: One for each partition that was read.
        complete: Whether those are all partitions.
        texts: Chunks as they would be embedded, at most ``TEXTS``.
        tokens: Tokens of each.
    """

    source_bytes: int
    pieces: list[Piece]
    complete: bool
    texts: list[str] = field(default_factory=list)
    tokens: list[npt.NDArray[np.int64]] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """Text that was read."""
        return sum(piece.bytes for piece in self.pieces)

    def total(self, name: str) -> int:
        """Return a count for the source, in proportion to its text."""
        counted = sum(getattr(piece, name) for piece in self.pieces)
        return int(counted if self.complete else round(counted * self.source_bytes / max(1, self.bytes)))

    def spread(self, name: str) -> float:
        """Return half the width of the 95% interval of ``total``, as a share of it."""
        rates: list[float] = [getattr(piece, name) / max(1, piece.bytes) for piece in self.pieces]
        if self.complete or len(rates) < 2 or not any(rates):  # noqa: PLR2004 - one alone has no deviation
            return 0.0
        return 1.96 * statistics.stdev(rates) / math.sqrt(len(rates)) / statistics.fmean(rates)


def sample(source: Source[Any], chunker: Chunker[Any], tokenizer: Tokenizer) -> Sample:
    """Read partitions from all over the source: every one of a small corpus, some of a large one."""
    corpus = Corpus(source)
    partitions = list(corpus.partitions(PIECE_BYTES))
    chosen = _choose_partitions(partitions)
    found = Sample(sum(part.bytes for part in partitions), [], complete=len(chosen) == len(partitions))
    for partition in chosen:
        found.pieces.append(_count_piece(found, corpus, partition, chunker, tokenizer))
    return found


def _choose_partitions(partitions: Sequence[Partition]) -> Sequence[Partition]:
    """Take ``PIECES`` at equal distances."""
    if len(partitions) <= PIECES:
        return partitions
    return [partitions[(2 * i + 1) * len(partitions) // (2 * PIECES)] for i in range(PIECES)]


def _count_piece(
    found: Sample, corpus: Corpus, partition: Partition, chunker: Chunker[Any], tokenizer: Tokenizer
) -> Piece:
    window, piece = Window(), Piece(partition.bytes)
    for batch in corpus.read(partition):
        for row, document in enumerate(iterate_documents(batch, tokenizer)):
            piece.documents += 1
            if isinstance(document, Document):
                window.add(document, row, cut(chunker, document), make_prefix(chunker, document))
    tokens = window.tokens(tokenizer)
    piece.chunks, piece.tokens = len(window), int(tokens.sum())
    piece.characters = int((window.ends - window.starts).sum())
    if len(found.texts) < TEXTS:
        found.texts += window.embedded_texts(np.arange(len(window)))
        found.tokens.append(tokens)
    return piece


FIRST_CHUNKS = 16
SECONDS = 3.0
"""A trial that took this long is enough."""


def time_sample(embedder: Embedder[Any], batching: Batching[Any], sample: Sample) -> Pace:
    """Embed ever more of the sample, until it takes a few seconds.

    Raises:
        VecmillError: The model does not run here.
    """
    tokens = np.concatenate(sample.tokens)
    began = time.perf_counter()
    with name_embedder_errors(embedder, "open()"):
        embedder.open()
    opened = time.perf_counter() - began
    try:
        with Threads(embedder.concurrency) as threads:
            embedding = Embedding(embedder, embedder.model(), threads)
            speed, chunks = _measure_speed(embedding, embedder, batching, sample.texts, tokens)
    finally:
        embedder.close()
    return Pace(
        where="this machine",
        tokens_per_second=Range(low=speed, high=speed),
        startup_seconds=opened,
        basis=f"timed here with {chunks:,} chunks of the corpus",
    )


def _measure_speed(
    embedding: Embedding,
    embedder: Embedder[Any],
    batching: Batching[Any],
    texts: list[str],
    tokens: npt.NDArray[np.int64],
) -> tuple[float, int]:
    count, seconds = FIRST_CHUNKS, 0.0
    # The first trial also warms the engine up; where it is the only one, the estimate is on the slow side.
    while True:
        chosen = np.unique(np.linspace(0, len(texts) - 1, count).astype(np.int64))
        seconds = _run_trial(embedding, embedder, batching, [texts[i] for i in chosen], tokens[chosen])
        if seconds >= SECONDS or count >= len(texts):
            return float(tokens[chosen].sum() / seconds), len(chosen)
        count = min(len(texts), int(count * min(8.0, max(2.0, 1.2 * SECONDS / seconds))))


def _run_trial(
    embedding: Embedding,
    embedder: Embedder[Any],
    batching: Batching[Any],
    texts: list[str],
    tokens: npt.NDArray[np.int64],
) -> float:
    began = time.perf_counter()
    batches = batching.batches(tokens, embedder.batch_tokens)
    embedding.submit(read_from(texts), len(texts), batches, lambda _: None).result()
    return time.perf_counter() - began


def estimate(job: Job, gpus: int | None = None) -> Estimate:
    """Read a part of the corpus and estimate all of it. Nothing is written.

    Args:
        job: The job.
        gpus: Reckon with this many GPUs on Modal, whatever runtime the job names.

    Raises:
        VecmillError: The job, its model or its source is wrong.
    """
    registry = load().registry
    runtime = build(registry, "runtime", _choose_runtime(job, registry, gpus))
    parts, model = build_components(job, registry)
    found = sample(parts["source"], parts["chunker"], parts["embedder"].tokenizer())
    if not found.pieces:
        raise SourceError(f"the source {job.source.name!r} has no documents")
    dataset_bytes = estimate_disk_bytes(found.total("chunks"), found.source_bytes, model.dimension)
    shards = max(1, math.ceil(dataset_bytes / (job.shards.target_mb * 1e6)))
    pace = _find_pace(runtime, parts, found)
    return Estimate(
        **{name: found.total(name) for name in ("documents", "characters", "chunks", "tokens")},
        shards=shards,
        dataset_bytes=round(dataset_bytes),
        source_bytes=found.source_bytes,
        sampled_bytes=found.bytes,
        spread=max(found.spread("chunks"), found.spread("tokens")),
        pace=pace,
        seconds=_estimate_seconds(pace, found, shards),
        cost_usd=_estimate_cost(pace, found, shards),
    )


def _choose_runtime(job: Job, registry: Registry, gpus: int | None) -> ComponentSpec:
    if gpus is None:
        return job.runtime
    if "modal" not in registry.entries["runtime"]:
        raise ConfigError('--gpus needs vecmill-modal-runtime: run `pip install "vecmill[modal]"` first')
    return ComponentSpec(name="modal", options={**_select_modal_options(job.runtime, registry), "max_containers": gpus})


def _select_modal_options(spec: ComponentSpec, registry: Registry) -> dict[str, Any]:
    """Return the options for Modal: if the job has another runtime, those that this runtime does not have."""
    if spec.name == "modal":
        return spec.options
    own = registry.get("runtime", spec.name).Config.model_fields
    return {name: value for name, value in spec.options.items() if name not in own}


def _find_pace(runtime: Any, parts: dict[str, Any], found: Sample) -> Pace | None:  # noqa: ANN401 - of any options
    if not found.texts:
        return None
    length = found.total("tokens") / max(1, found.total("chunks"))
    pace: Pace | None = runtime.pace(_count_flop(parts["embedder"], length))
    return pace or time_sample(parts["embedder"], parts["batching"], found)


def _count_flop(embedder: Any, length: float) -> float:  # noqa: ANN401 - (the same)
    from vecmill.models import describe_model

    options = embedder.config
    model = getattr(options, "model", None)
    return flop_per_token(describe_model(model, getattr(options, "revision", None)), length) if model else 0.0


def _estimate_seconds(pace: Pace | None, found: Sample, shards: int) -> Range | None:
    if pace is None or pace.tokens_per_second is None:
        return None
    return _join_ranges([_estimate_duration(choice, found, shards) for choice in pace.choices or (pace,)])


def _estimate_cost(pace: Pace | None, found: Sample, shards: int) -> Range | None:
    """Reckon each kind of machine at its own speed and price: the dearest need not cost most."""
    if pace is None or pace.price is None or pace.tokens_per_second is None:
        return None
    costs = []
    for choice in pace.choices or (pace,):
        seconds, each = _estimate_duration(choice, found, shards), (choice.price or 0.0) * min(choice.workers, shards)
        costs.append(Range(low=each * seconds.low, high=each * seconds.high))
    return _join_ranges(costs)


def _estimate_duration(pace: Pace, found: Sample, shards: int) -> Range:
    speed = pace.tokens_per_second
    assert speed is not None  # noqa: S101 - a pace has a speed where its choices have
    tokens, workers = found.total("tokens"), min(pace.workers, shards)
    fast, slow = (tokens / workers / each for each in (speed.high, speed.low))
    return Range(low=pace.startup_seconds + fast, high=pace.startup_seconds + slow)


def _join_ranges(ranges: list[Range]) -> Range:
    return Range(low=min(each.low for each in ranges), high=max(each.high for each in ranges))
