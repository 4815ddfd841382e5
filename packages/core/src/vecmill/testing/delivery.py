"""check_delivery: does a publisher keep to its own things, and to those of the dataset alone?"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from vecmill.errors import PublishError
from vecmill.records import Account, Dataset, Manifest
from vecmill.store.card import card
from vecmill.store.claims import run_id
from vecmill.store.json import write_json
from vecmill.store.layout import Layout
from vecmill.store.state import clear_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from vecmill.protocols import Publisher

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

    A place that somebody else has written to is refused, before the work and when it is done. A dataset that has
    shrunk leaves nothing of what it was. One with a damaged shard is refused, and readers find what they found before.

    Args:
        publisher: One whose place is free.
        dataset: What to publish, in three shards or more: give its job ``shards = {"target_mb": 0.01}``.
        rows: Returns ``id`` and ``chunk_index`` of all rows that readers of the place find.
        occupied: One for a place that somebody else has written to.
        theirs: Returns what is in that place, in whatever form can be compared.
    """
    count = len(dataset.manifest.shards)
    assert count >= SHARDS, f"the dataset has {count} shards, not {SHARDS}: give its job a smaller shards.target_mb"
    before = theirs()
    _check_refusal(occupied.check, "check() takes a place that somebody else has written to")
    _check_refusal(lambda: _publish(occupied, dataset), "publish() takes a place that somebody else has written to")
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
        "run_id": run_id(identity),
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
    layout.card.write_text(card(manifest), encoding="utf-8")
    write_json(layout, layout.manifest, manifest)
    clear_state(layout)
    return Dataset(folder, manifest)
