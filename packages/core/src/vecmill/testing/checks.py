"""Checks: does a component keep its protocol? Each raises ``AssertionError`` with what the component broke."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from vecmill.errors import PublishError
from vecmill.job.identity import find_location_options, find_path_options, remove_folders
from vecmill.plugins.registry import validate_options
from vecmill.records import Account, Dataset, Document, Manifest, ModelInfo, Publishing
from vecmill.records.manifest import hash_identity
from vecmill.sources.batches import extra_fields
from vecmill.sources.corpus import Corpus
from vecmill.store.card import format_card
from vecmill.store.files import sha256, write_json
from vecmill.store.layout import Layout
from vecmill.store.state import clear_state
from vecmill.testing.plugin import AWKWARD_TEXTS, WordTokenizer
from vecmill.worker.reading import cut, iterate_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from vecmill.protocols import Chunker, Component, Embedder, Publisher, Source, Tokenizer
    from vecmill.records import Partition, RunEvent

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
    chunker = cls(validate_options(cls, "chunker", config or {}), tokenizer, model)
    _check_paths(chunker)
    for number, text in enumerate(texts):
        document = Document(id=str(number), text=text, title="A title")
        spans = cut(chunker, document)
        assert list(chunker.spans(document)) == list(spans), f"two calls cut text {number} differently"
        other = Document(id=document.id, text="Another text", title=document.title)
        assert chunker.title(document) == chunker.title(other), (
            "the title depends on more than the document's id and title"
        )


def check_source(source: Source[Any], target_bytes: int = 10_000) -> int:
    """Check that a source gives the same documents however it is split; return how many there are.

    Args:
        source: A source over a small corpus.
        target_bytes: A size that makes several partitions of it.

    Raises:
        PluginError: It returned something that its protocol does not allow, such as a column of ours without strings.
        ReadError: It failed with an error that is not of vecmill.errors.
    """
    _check_paths(source)
    moving = sorted(find_path_options(source.config) - source.location)
    assert not moving, (
        f"under another path, the same corpus would be another run: mark {moving} LOCATION, and have "
        "fingerprint() hash what is read there"
    )
    corpus = Corpus(source)
    assert corpus.fingerprint() == corpus.fingerprint(), "two fingerprints of the same content differ"
    together = [item for part in corpus.partitions(2**40) for item in _read(corpus, part)]
    parts = list(corpus.partitions(target_bytes))
    again = [list(_read(corpus, part)) for part in parts]
    assert [item for part in again for item in part] == together, "splitting changes, loses or reorders documents"
    extra = {tuple(map(str, extra_fields(batch.schema))) for part in parts for batch in corpus.read(part)}
    assert len(extra) <= 1, f"batches differ in their extra columns: {sorted(extra)}"
    for part, items in zip(parts, again, strict=True):
        known = part.documents
        assert known is None or known == len(items), f"a partition says {known} documents and has {len(items)}"
    assert corpus.count() in {None, len(together)}, (
        f"count() says {corpus.count()}, and there are {len(together)} documents"
    )
    assert [corpus.renew(part) for part in parts] == parts, "renew() changes partitions of a source that stands still"
    return len(together)


def check_embedder(embedder: Embedder[Any], texts: Iterable[str] = AWKWARD_TEXTS) -> None:
    """Check an embedder's shapes, types and order; it is opened and closed.

    Args:
        embedder: One with its options.
        texts: What to embed; texts over the model's limit are left to it.
    """
    _check_paths(embedder)
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
    """Check that a publisher can be called again, reports true progress, and leaves the dataset alone.

    Args:
        publisher: One whose destination is free.
        dataset: What to publish, such as ``vecmill.run`` returns for a small job.

    Returns:
        Where the publisher says the dataset is: what is there is for the caller to check.
    """
    before = _content(dataset)
    events: list[RunEvent] = []
    publisher.report = events.append
    publisher.check()
    assert all(isinstance(line, str) for line in publisher.preview(dataset.path, dataset.manifest))
    address = publisher.publish(dataset.path, dataset.manifest)
    assert address, "publish() does not say where the dataset is"
    reported = [event for event in events if isinstance(event, Publishing)]
    assert all(event.done <= event.bytes for event in reported), "more was published than there is"
    assert not reported or reported[-1].done == reported[-1].bytes, "the last progress reported is not the end"
    again = type(publisher)(publisher.config)
    again.check()
    assert again.publish(dataset.path, dataset.manifest) == address, "published again, it is somewhere else"
    assert _content(dataset) == before, "publishing changed the dataset"
    return address


def _check_paths(component: Component[Any]) -> None:
    """Point out options that others would read in the manifest, and that lead somewhere on this machine."""
    options = component.config.model_dump(mode="json")
    shown = [
        key
        for key in options
        if key not in find_location_options(component) and remove_folders(options[key]) != options[key]
    ]
    assert not shown, (
        f"the manifest, which others read, would show where things are on this machine: mark {shown} LOCATION, or "
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
        yield from iterate_documents(batch, WordTokenizer())


SHARDS = 3
"""One that is delivered before the damage is found, one that is not there in the end, and a damaged one."""
Row = tuple[str, int]


def check_delivery(
    publisher: Publisher[Any],
    dataset: Dataset,
    rows: Callable[[], Iterable[Row]],
    occupied: Publisher[Any],
    theirs: Callable[[], object],
) -> None:
    """Check that readers find the rows of the last dataset and no others, and that nobody else's things are touched.

    A destination that somebody else has written to is refused, before the work and after it. A dataset that has
    shrunk leaves nothing of what it was. One with a damaged shard is refused, and readers find what they found before.

    Args:
        publisher: One whose destination is free.
        dataset: What to publish, in three shards or more: give its job ``shards = {"target_mb": 0.01}``.
        rows: Returns ``id`` and ``chunk_index`` of all rows that readers find there.
        occupied: One for a destination that somebody else has written to.
        theirs: Returns what is in that destination, in a form that can be compared.
    """
    count = len(dataset.manifest.shards)
    assert count >= SHARDS, f"the dataset has {count} shards, not {SHARDS}: give its job a smaller shards.target_mb"
    before = theirs()
    _check_refusal(occupied.check, "check() takes a destination that somebody else has written to")
    _check_refusal(
        lambda: _publish(occupied, dataset), "publish() takes a destination that somebody else has written to"
    )
    assert theirs() == before, "what somebody else has written was touched"
    with tempfile.TemporaryDirectory(prefix="vecmill-") as folder:
        smaller, damaged = _shrink(dataset, Path(folder) / "smaller"), _damage(dataset, Path(folder) / "damaged")
        _check_refusal(lambda: _publish(publisher, damaged), "publish() takes a dataset with a damaged shard")
        for kind, each in (("new", dataset), ("smaller", smaller)):
            _publish(publisher, each)
            _check_rows(rows, each, f"after a {kind} dataset")
        _check_refusal(lambda: _publish(publisher, damaged), "publish() takes a dataset with a damaged shard")
        _check_rows(rows, smaller, "after one with a damaged shard was refused")
        _publish(publisher, dataset)
        _check_rows(rows, dataset, "after the first one came back")


def _publish(publisher: Publisher[Any], dataset: Dataset) -> None:
    type(publisher)(publisher.config).publish(dataset.path, dataset.manifest)


def _check_refusal(act: Callable[[], object], otherwise: str) -> None:
    try:
        act()
    except PublishError:
        return
    raise AssertionError(f"{otherwise}: it is to raise PublishError")


def _check_rows(rows: Callable[[], Iterable[Row]], dataset: Dataset, when: str) -> None:
    found, wanted = sorted(rows()), sorted(_rows(dataset))
    lost, more = len(set(wanted) - set(found)), len(found) - len(set(wanted) & set(found))
    assert found == wanted, f"{when} readers find {more} rows that are not its own, and lack {lost} of {len(wanted)}"


def _rows(dataset: Dataset) -> Iterable[Row]:
    for shard in dataset.manifest.shards:
        table = pq.read_table(dataset.path / shard.path, columns=["id", "chunk_index"])
        yield from zip(table["id"].to_pylist(), table["chunk_index"].to_pylist(), strict=True)


def _shrink(dataset: Dataset, folder: Path) -> Dataset:
    """Make the dataset that the same job makes of the documents in the second shard.

    Not of those in the first, which a publisher may deliver of a damaged dataset before it comes to the damage.
    """
    second = dataset.manifest.shards[1]
    table = pq.read_table(dataset.path / second.path, columns=["id", "start", "end", "tokens"]).to_pydict()
    documents = len(set(table["id"]))
    alone = second.model_copy(update={"path": "data/train-00000-of-00001.parquet"})
    identity = dataset.manifest.identity | {"content": "smaller"}
    changes = {
        "run_id": hash_identity(identity),
        "identity": identity,
        "source": dataset.manifest.source.model_copy(update={"fingerprint": "smaller"}),
        "account": Account(
            documents_in=documents,
            documents_embedded=documents,
            chunks=second.rows,
            characters=sum(table["end"]) - sum(table["start"]),
            tokens=sum(table["tokens"]),
        ),
        "shards": [alone],
        "quarantine": None,
        "reasons": {},
        "duplicates": {},
    }
    return _write(dataset.manifest.model_copy(update=changes), folder, {alone.path: dataset.path / second.path})


def _damage(dataset: Dataset, folder: Path) -> Dataset:
    """Make a copy of a dataset in which one bit of the last shard is another."""
    manifest = dataset.manifest
    entries = [*manifest.shards, *([manifest.quarantine] if manifest.quarantine else [])]
    copy = _write(manifest, folder, {entry.path: dataset.path / entry.path for entry in entries})
    path = folder / manifest.shards[-1].path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return copy


def _write(manifest: Manifest, folder: Path, files: Mapping[str, Path]) -> Dataset:
    for path, source in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, folder / path)
    layout = Layout(folder)
    layout.card.write_text(format_card(manifest), encoding="utf-8")
    write_json(layout, layout.manifest, manifest)
    clear_state(layout)
    return Dataset(folder, manifest)
