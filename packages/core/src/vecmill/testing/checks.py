"""Checks: does a component keep its protocol? Each raises ``AssertionError`` with what it broke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vecmill.job.identity import paths, places, without_folders
from vecmill.plugins.registry import options
from vecmill.records import Document, ModelInfo, Publishing
from vecmill.sources.columns import extra_fields
from vecmill.sources.corpus import Corpus
from vecmill.store.files import sha256
from vecmill.testing.stand_ins import AWKWARD_TEXTS, WordTokenizer
from vecmill.worker.reading import documents
from vecmill.worker.spans import cut

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vecmill.protocols import Chunker, Component, Embedder, Publisher, Source, Tokenizer
    from vecmill.records import Dataset, Partition, RunEvent

_MODEL = ModelInfo(id="testing", revision=None, dimension=8, max_tokens=256, pooling="mean", normalized=True)


def check_chunker(
    cls: type[Chunker[Any]],
    config: dict[str, Any] | None = None,
    texts: Iterable[str] = AWKWARD_TEXTS,
    *,
    tokenizer: Tokenizer | None = None,
    model: ModelInfo = _MODEL,
) -> None:
    """Check that a chunker loses nothing, stays inside the text, repeats itself, and counts right where it counts.

    Args:
        cls: The chunker class.
        config: Its options; the defaults if left out.
        texts: What to cut; by default texts that break naive chunkers.
        tokenizer: The model's token counter; by default one that counts words.
        model: The model it cuts for.
    """
    tokenizer = tokenizer or WordTokenizer()
    chunker = cls(options(cls, "chunker", config or {}), tokenizer, model)
    _check_places(chunker)
    for number, text in enumerate(texts):
        document = Document(id=str(number), text=text, title="A title")
        spans = cut(chunker, document)
        assert list(chunker.spans(document)) == list(spans), f"two calls cut text {number} differently"
        other = Document(id=document.id, text="Another text", title=document.title)
        assert chunker.title(document) == chunker.title(other), (
            "the title depends on more than the document's id and title"
        )


def check_source(source: Source[Any], target_bytes: int = 10_000) -> int:
    """Check that a source tells the same story however it is split; return how many documents it has.

    Args:
        source: A source over a small corpus.
        target_bytes: A size that makes several partitions of it.

    Raises:
        PluginError: It returned something that its protocol does not allow, such as a column of ours without strings.
        ReadError: It failed with an error that is not of vecmill.errors.
    """
    _check_places(source)
    moving = sorted(paths(source.config) - source.location)
    assert not moving, (
        f"moved to another place, the same corpus would be another run: put {moving} in `location`, and have "
        "fingerprint() hash what is read there"
    )
    corpus = Corpus(source)
    assert corpus.fingerprint() == corpus.fingerprint(), "two fingerprints of the same content differ"
    whole = [item for part in corpus.partitions(2**40) for item in _read(corpus, part)]
    parts = list(corpus.partitions(target_bytes))
    again = [list(_read(corpus, part)) for part in parts]
    assert [item for part in again for item in part] == whole, "splitting changes, loses or reorders documents"
    kept = {tuple(map(str, extra_fields(batch.schema))) for part in parts for batch in corpus.read(part)}
    assert len(kept) <= 1, f"batches have other columns to carry along than others: {sorted(kept)}"
    for part, items in zip(parts, again, strict=True):
        known = part.documents
        assert known is None or known == len(items), f"a partition says {known} documents and has {len(items)}"
    assert corpus.count() in {None, len(whole)}, f"count() says {corpus.count()}, and there are {len(whole)} documents"
    assert [corpus.renew(part) for part in parts] == parts, "renew() changes partitions of a source that stands still"
    return len(whole)


def check_embedder(embedder: Embedder[Any], texts: Iterable[str] = AWKWARD_TEXTS) -> None:
    """Check an embedder's shapes, types and order; it is opened and closed.

    Args:
        embedder: One with its options.
        texts: What to embed; texts over the model's limit are left to it.
    """
    _check_places(embedder)
    texts, model = list(texts), embedder.model()
    embedder.open()
    try:
        vectors = embedder.embed(texts)
        alone = np.concatenate([embedder.embed([text]) for text in texts])
    finally:
        embedder.close()
    assert vectors.dtype == np.float32, f"vectors are {vectors.dtype}, not float32"
    assert vectors.shape == (len(texts), model.dimension), f"vectors have shape {vectors.shape}"
    assert np.isfinite(vectors).all(), "some vectors are not finite"
    norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(alone, axis=1)
    cosines = np.einsum("ij,ij->i", vectors, alone) / norms
    assert (cosines > 0.999).all(), "a text's vector depends on its neighbours, or the order is lost"  # noqa: PLR2004 - as in the message


def check_publisher(publisher: Publisher[Any], dataset: Dataset) -> str:
    """Check that a publisher can be called again, tells the truth while it works, and leaves the dataset alone.

    Args:
        publisher: One whose place is free.
        dataset: What to publish, such as ``vecmill.run`` returns for a small job.

    Returns:
        Where the publisher says the dataset is: what is there is for the caller to check.
    """
    before = _content(dataset)
    events: list[RunEvent] = []
    publisher.report = events.append
    publisher.check()
    assert all(isinstance(line, str) for line in publisher.preview(dataset.path, dataset.manifest))
    place = publisher.publish(dataset.path, dataset.manifest)
    assert place, "publish() does not say where the dataset is"
    told = [event for event in events if isinstance(event, Publishing)]
    assert all(event.done <= event.bytes for event in told), "more was published than there is"
    assert not told or told[-1].done == told[-1].bytes, "the last progress told is not the end"
    again = type(publisher)(publisher.config)
    again.check()
    assert again.publish(dataset.path, dataset.manifest) == place, "published again, it is somewhere else"
    assert _content(dataset) == before, "publishing changed the dataset"
    return place


def _check_places(component: Component[Any]) -> None:
    """Point out options that others would read in the manifest, and that lead somewhere on this machine."""
    options = component.config.model_dump(mode="json")
    told = [key for key in options if key not in places(component) and without_folders(options[key]) != options[key]]
    assert not told, (
        f"the manifest, which others read, would show where things are on this machine: put {told} in `location`, or "
        "make it a pathlib.Path if a run with another path is another run"
    )


def _content(dataset: Dataset) -> dict[str, str]:
    files = sorted(path for path in dataset.path.rglob("*") if path.is_file())
    return {path.relative_to(dataset.path).as_posix(): sha256(path) for path in files}


def _read(corpus: Corpus, part: Partition) -> Iterable[object]:
    for batch in corpus.read(part):
        assert {"id", "text"}.issubset(batch.schema.names), (
            f"a batch has the columns {batch.schema.names}, not id and text"
        )
        yield from documents(batch, WordTokenizer())
