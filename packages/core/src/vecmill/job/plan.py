"""Plan: a job, checked and pinned, and its shard tasks."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from vecmill.errors import ConfigError, SourceError
from vecmill.job.identity import (
    describe_identity,
    describe_recipe,
    find_earlier,
    find_location_options,
    hide_options,
    make_public,
)
from vecmill.job.publish import find_directory
from vecmill.plugins import load
from vecmill.plugins.registry import build
from vecmill.records import ComponentSpec, LocalOptions, ShardTask, SourceInfo, WorkSpec
from vecmill.records.documents import CHUNK_COLUMNS, DOCUMENT_COLUMNS, VECTOR_COLUMN
from vecmill.records.manifest import hash_identity
from vecmill.sources.corpus import Corpus
from vecmill.store.layout import Layout
from vecmill.store.state import Split, read_split, read_state
from vecmill.worker.embedding import check_model, name_embedder_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from vecmill.job.config import Job
    from vecmill.plugins import Registry
    from vecmill.protocols import Chunker, Component, Lease, Publisher, Runtime, Source
    from vecmill.records import Manifest, ModelInfo, Output


SAMPLE_BYTES = 1_000_000
ROW_BYTES = 40
"""What a row needs on disk besides its vector and its text."""
TEXT_SHARE = 0.5
"""What zstd leaves of text."""


def compute_shard_text(chunks_per_byte: float, dimension: int, target_bytes: float) -> int:
    """Return how many bytes of source text make a shard of about ``target_bytes`` on disk."""
    return max(1, int(target_bytes / estimate_disk_bytes(chunks_per_byte, 1, dimension)))


def estimate_disk_bytes(chunks: float, text_bytes: float, dimension: int) -> float:
    """Return about what chunks with their vectors and their text take in a shard."""
    return chunks * (4 * dimension + ROW_BYTES) + TEXT_SHARE * text_bytes


def measure_chunks_per_byte(batches: Iterable[pa.RecordBatch], chunker: Chunker[Any]) -> float:
    """Chunk the first documents, about a megabyte of them."""
    from vecmill.records import Document
    from vecmill.worker.reading import cut, iterate_documents
    from vecmill.worker.window import count_utf8_bytes

    size = chunks = 0
    for batch in batches:
        for document in iterate_documents(batch, chunker.tokenizer):
            if isinstance(document, Document):
                size += count_utf8_bytes(document.text)
                chunks += len(cut(chunker, document))
            if size >= SAMPLE_BYTES:
                return chunks / size
    return chunks / size if size else 1e-3


class SourceSample(NamedTuple):
    """What holds for all shards; it depends on content and recipe alone, so a resumed run finds the same.

    Attributes:
        keep: The extra columns, an Arrow schema in base64.
        chunks_per_byte: Chunks that a byte of text makes.
    """

    keep: str
    chunks_per_byte: float


def sample_source(source: Source[Any], chunker: Chunker[Any]) -> SourceSample:
    """Read the first documents, about a megabyte of them.

    Raises:
        SourceError: There are none.
        ConfigError: The dataset cannot have one of the extra columns.
    """
    from vecmill.sources.batches import dump, extra_fields

    batches = _iterate_batches(Corpus(source))
    first = next(batches, None)
    if first is None:
        raise SourceError(f"the source {source.name!r} has no documents")
    keep = extra_fields(first.schema)
    _check_columns(keep, chunker.model.outputs)
    return SourceSample(dump(keep), measure_chunks_per_byte(itertools.chain([first], batches), chunker))


def _iterate_batches(corpus: Corpus) -> Iterator[pa.RecordBatch]:
    """Yield the batches of the first partition that has any."""
    for partition in corpus.partitions(SAMPLE_BYTES):
        batches = corpus.read(partition)
        first = next(batches, None)
        if first is not None:
            yield first
            yield from batches
            return


def _check_columns(keep: list[pa.Field], outputs: Sequence[Output]) -> None:
    """Refuse columns that would collide with vecmill's own, and those that no file can hold."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    own = {*DOCUMENT_COLUMNS, *CHUNK_COLUMNS, VECTOR_COLUMN, *(output.name for output in outputs)}
    for field in keep:
        if field.name in own or any(field.name.startswith(f"{output.name}.") for output in outputs):
            raise ConfigError(
                f"source.keep: the column {field.name!r} would collide with vecmill's own: rename it in the source"
            )
        try:
            pq.write_table(pa.schema([field]).empty_table(), pa.BufferOutputStream())
        except pa.ArrowException as error:
            raise ConfigError(
                f"source.keep: the column {field.name!r} holds {field.type}, which Parquet cannot: {error}: "
                "take it out of keep"
            ) from error


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is decided before the work begins.

    Attributes:
        identity: What ``run_id`` is the hash of.
        recipe: Every option, as the manifest shows it.
        split: How the source is cut into shards: as the run was begun, if it was.
        tasks: One for each shard, in source order.
        model: As the manifest shows it.
        local_options: Options that the recipe does not show, because they are of this machine alone; by part.
        since: An earlier dataset whose vectors are reused, with its manifest.
        lease: What keeps other runs out of the folder, if its lock does not.
        trust_vectors: Whether none of them is checked.
    """

    job: Job
    run_id: str
    identity: dict[str, Any]
    recipe: dict[str, Any]
    source: SourceInfo
    model: ModelInfo
    layout: Layout
    runtime: Runtime[Any]
    publishers: list[Publisher[Any]]
    split: Split
    tasks: list[ShardTask]
    local_options: LocalOptions
    since: tuple[Layout, Manifest] | None = None
    trust_vectors: bool = False
    lease: Lease | None = None

    @property
    def embedder(self) -> ComponentSpec:
        """The embedder with all its options, as workers get it."""
        return self.tasks[0].spec.embedder


def plan(
    job: Job,
    since: str | Path | None = None,
    runtime: Runtime[Any] | None = None,
    publishers: list[Publisher[Any]] | None = None,
) -> Plan:
    """Check a job against the installed plugins, pin what could change, and split the source.

    Args:
        job: The job.
        since: An earlier dataset, its folder or its repo on the Hub, whose vectors are to be reused.
        runtime: The job's, if it is built already.
        publishers: The job's, if they are built already.

    Raises:
        VecmillError: The job, its model or its source is wrong. Nothing was written.
    """
    registry = load().registry
    if publishers is None:
        publishers = build_publishers(job)
    parts, model = build_components(job, registry)
    corpus = Corpus(parts["source"])
    fingerprint, terms = corpus.fingerprint(), corpus.terms()
    identity_ = describe_identity(job, parts, fingerprint, model)
    recipe_ = describe_recipe(job, parts)
    layout = Layout(find_directory(publishers, job.name))
    spec = _build_work_spec(job, parts, hash_identity(identity_), layout).model_copy(update={"model": model})
    split = _read_split(parts, layout, spec.run_id) or _split(job, parts, model)
    return Plan(
        job=job,
        run_id=spec.run_id,
        identity=identity_,
        recipe=recipe_,
        source=SourceInfo(name=job.source.name, fingerprint=fingerprint, options=recipe_["source"], terms=terms),
        model=model.model_copy(update={"id": make_public(model.id) or ""}),
        layout=layout,
        runtime=runtime or build(registry, "runtime", job.runtime),
        publishers=publishers,
        split=split,
        tasks=_build_tasks(spec, split),
        local_options=_find_local_options(spec, parts),
        since=None if since is None else find_earlier(since, identity_, layout),
    )


def build_publishers(job: Job) -> list[Publisher[Any]]:
    """Return a job's publishers.

    Raises:
        ConfigError: The options of one are wrong.
    """
    registry = load().registry
    return [build(registry, "publisher", spec) for spec in job.publish]


def build_components(job: Job, registry: Registry) -> tuple[dict[str, Any], ModelInfo]:
    """Return source, chunker, batching and embedder with everything that could change pinned, and the model."""
    source = Corpus(build(registry, "source", job.source)).pinned()
    embedder = build(registry, "embedder", job.embedder)
    with name_embedder_errors(embedder, "pinned(), model() or tokenizer()"):
        embedder = type(embedder)(embedder.pinned())
        model, tokenizer = check_model(embedder), embedder.tokenizer()
    chunker = build(registry, "chunker", job.chunker, tokenizer, model)
    batching = build(registry, "batching", job.batching)
    return {"source": source, "chunker": chunker, "batching": batching, "embedder": embedder}, model


def _build_work_spec(job: Job, parts: Mapping[str, Component[Any]], run_id: str, layout: Layout) -> WorkSpec:
    specs = {
        kind: ComponentSpec(name=part.name, options=part.config.model_dump(mode="json")) for kind, part in parts.items()
    }
    return WorkSpec(run_id=run_id, directory=str(layout.root), truncate=job.truncate, **specs)


def _find_local_options(spec: WorkSpec, parts: Mapping[str, Component[Any]]) -> LocalOptions:
    """Return the options with which this machine opens the dataset's model again."""
    embedder = hide_options(spec.embedder.options, find_location_options(parts["embedder"]))
    return LocalOptions(run_id=spec.run_id, embedder=embedder) if embedder else LocalOptions()


def _read_split(parts: Mapping[str, Any], layout: Layout, run_id: str) -> Split | None:
    """Return how a run was cut into shards when it began, if the folder holds the run."""
    state = read_state(layout)
    stored = read_split(layout, state.split) if state is not None and state.run_id == run_id else None
    if stored is None:
        return None
    corpus = Corpus(parts["source"])
    return stored.model_copy(update={"partitions": tuple(map(corpus.renew, stored.partitions))})


def _split(job: Job, parts: Mapping[str, Any], model: ModelInfo) -> Split:
    source, chunker = parts["source"], parts["chunker"]
    found, corpus = sample_source(source, chunker), Corpus(source)
    text_bytes = compute_shard_text(found.chunks_per_byte, model.dimension, job.shards.target_mb * 1e6)
    split = Split(keep=found.keep, partitions=tuple(corpus.partitions(text_bytes)), documents=corpus.count())
    if None not in {split.planned, split.documents} and split.planned != split.documents:
        raise SourceError(
            f"the source {source.name!r} counts {split.documents} documents, but its partitions have {split.planned}: "
            "report it to the source's author"
        )
    return split


def _build_tasks(spec: WorkSpec, split: Split) -> list[ShardTask]:
    shared, count = spec.model_copy(update={"keep": split.keep}), len(split.partitions)
    return [
        ShardTask(spec=shared, index=index, count=count, partition=partition)
        for index, partition in enumerate(split.partitions)
    ]
