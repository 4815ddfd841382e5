"""State: what an unfinished run leaves, so that the same command goes on from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from vecmill.errors import StoreError
from vecmill.records import Cost, FileEntry, Receipt
from vecmill.records.bounds import Count, RunId, Time, Tree, Word
from vecmill.store.files import remove, sha256
from vecmill.store.ids import readable_ids
from vecmill.store.json import read_json, write_json

if TYPE_CHECKING:
    from vecmill.records import Partition
    from vecmill.store.layout import Layout


class RunState(BaseModel):
    """Which run is unfinished in a folder, when it was begun (ISO 8601, UTC), and what it has cost so far.

    ``split`` is the digest of how it is cut into shards; the first versions did not note it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: RunId
    shards: Count
    started: Time
    identity: Tree
    split: Word = ""
    cost: Cost | None = None


class RefusedDatasets(BaseModel):
    """Earlier datasets that were found to hold other vectors than the model gives: why, by the digest of their shards.

    The id of a run does not tell a repaired dataset from one that was changed, and its shards do.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    shards: dict[str, str] = Field(default_factory=dict)


def read_refused(layout: Layout) -> dict[str, str]:
    """Return why which earlier datasets are refused, by the digest of their shards."""
    return (read_json(layout.refused, RefusedDatasets) or RefusedDatasets()).shards


def refuse_earlier(layout: Layout, shards: str, why: str) -> None:
    """Note that no vector of a dataset with these shards is to be used, nor a shard that has some of them."""
    refused = {**read_refused(layout), shards: why}
    write_json(layout, layout.refused, RefusedDatasets(shards=refused))


def read_state(layout: Layout) -> RunState | None:
    """Return the unfinished run of a folder, if there is one."""
    return read_json(layout.run, RunState)


def write_state(layout: Layout, state: RunState) -> None:
    """Begin a run in a folder."""
    write_json(layout, layout.run, state)


def read_receipt(layout: Layout, run_id: str, index: int) -> Receipt | None:
    """Return a shard's receipt if there is one of this run; a damaged one is none."""
    try:
        receipt = read_json(layout.receipt(index), Receipt)
    except StoreError:
        return None
    return receipt if receipt is not None and receipt.run_id == run_id else None


def valid_receipt(layout: Layout, run_id: str, index: int, partition: Partition) -> Receipt | None:
    """Return a shard's receipt if it is of this run and this partition, and its files are on disk as it says.

    A damaged receipt is none: the shard is done again, which costs less than asking.
    """
    receipt = read_receipt(layout, run_id, index)
    if receipt is None or not receipt.is_of(partition) or not readable_ids(layout, index):
        return None
    files = [receipt.shard, *([receipt.quarantine] if receipt.quarantine else [])]
    return receipt if all(intact(layout, entry) for entry in files) else None


def intact(layout: Layout, entry: FileEntry) -> bool:
    """Whether a file is on disk with the size and the sha256 that it should have."""
    path = layout.root / entry.path
    try:
        return path.stat().st_size == entry.bytes and sha256(path) == entry.sha256
    except OSError:
        return False


def clear_temporary(layout: Layout) -> None:
    """Remove what a killed worker was writing. Only for the holder of the lock."""
    remove(layout.temporary)


def clear_state(layout: Layout) -> None:
    """Remove the state: the run is finished."""
    remove(layout.state)
