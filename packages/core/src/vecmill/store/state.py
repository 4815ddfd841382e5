"""State: what an unfinished run leaves in its folder, and which runs this user made on this machine.

Whoever goes on with a run reads the same rows into the same shards, whatever a newer version would make of them.

The register of this user's runs is outside of every dataset's folder. A dataset, and whatever lies in its folder, may
come from anybody: what opens its model here is believed only if the run is in the register, which no download writes.
"""

from __future__ import annotations

import bisect
import contextlib
import gzip
import hashlib
import json
import os
import re
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vecmill.errors import StoreError
from vecmill.records import ComponentSpec, Cost, FileEntry, Partition, Receipt, Sent
from vecmill.records.model import Count, RunId, Time, Tree, Word
from vecmill.store.files import atomic, read_json, remove, sha256, write_bytes, write_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from vecmill.store.layout import Layout


class _SentNote(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    sent: tuple[Sent, ...] = ()


def add_sent(layout: Layout, receipts: Iterable[Receipt]) -> None:
    """Note what receipts say was sent, after what was noted before."""
    new = [sent for receipt in receipts for sent in receipt.sent]
    if new:
        write_json(layout, layout.sent, _SentNote(sent=(*read_sent(layout), *new)))


def read_sent(layout: Layout) -> tuple[Sent, ...]:
    """Return what was noted; of a damaged file nothing: what was sent is sent again, which costs less than asking."""
    try:
        note = read_json(layout.sent, _SentNote)
    except StoreError:
        return ()
    return note.sent if note else ()


def clear_sent(layout: Layout) -> None:
    """Forget it: the dataset is published."""
    remove(layout.sent)


class Split(BaseModel):
    """The shards of a run, before any is made.

    Attributes:
        keep: The source's columns to carry along, an Arrow schema in base64.
        partitions: One for each shard, in source order.
        documents: How many documents the source has, if it knows that without being split.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    keep: str
    partitions: tuple[Partition, ...]
    documents: int | None = None

    @property
    def digest(self) -> str:
        """Hash what decides which rows are in which shard, in hex."""
        described = [self.keep, *(partition.digest for partition in self.partitions)]
        return hashlib.sha256(json.dumps(described).encode()).hexdigest()

    @property
    def planned(self) -> int | None:
        """How many documents the partitions say they hold; None if one does not."""
        counts = [partition.documents for partition in self.partitions]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None


def write_split(layout: Layout, split: Split) -> None:
    """Keep a split for as long as its run is unfinished; compressed, a shard takes some tens of bytes."""
    write_bytes(layout.split, layout.temporary, gzip.compress(split.model_dump_json().encode(), 6, mtime=0))


def read_split(layout: Layout, digest: str) -> Split | None:
    """Return the split with this digest; None if there is none, or a damaged one."""
    try:
        found = Split.model_validate_json(gzip.decompress(layout.split.read_bytes()))
    except (OSError, EOFError, zlib.error, ValidationError):
        return None
    return found if found.digest == digest else None


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

    A repaired dataset has the same run id as one that was changed, and other shards.
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
    if receipt is None or not receipt.is_of(partition) or not can_read_ids(layout, index):
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


STATE_FOLDER = "VECMILL_STATE"
"""A variable with the folder of the register, instead of the user's folder for such things."""
_RUN_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)


class UserRun(BaseModel):
    """A run of this user, and the embedder that it was made with, its paths on this machine included."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: str
    embedder: ComponentSpec


def register_run(run_id: str, embedder: ComponentSpec) -> None:
    """Register a run as this user's; where nothing can be written, its model has to be named later."""
    path, run = _path(run_id), UserRun(run_id=run_id, embedder=embedder)
    if path is None or run == _read(path):
        return
    with contextlib.suppress(OSError, StoreError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_bytes(path, path.parent, run.model_dump_json().encode() + b"\n")


def can_register() -> bool:
    """Return whether a run could be written down here, by the folder that is there."""
    path = _folder()
    while path is not None and not path.exists():
        path = path.parent if path != path.parent else None
    return path is not None and path.is_dir() and os.access(path, os.W_OK | os.X_OK)


def find_run(run_id: str) -> ComponentSpec | None:
    """Return the embedder of a run of this user; ``None`` if the run is not known to be one."""
    path = _path(run_id)
    run = None if path is None else _read(path)
    return run.embedder if run is not None and run.run_id == run_id else None


def _read(path: Path) -> UserRun | None:
    """Read an entry; a damaged one is none, and the next run writes it again."""
    try:
        return UserRun.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _path(run_id: str) -> Path | None:
    folder = _folder()
    return folder / "runs" / f"{run_id}.json" if folder is not None and _RUN_ID.fullmatch(run_id) else None


def _folder() -> Path | None:
    """Return where the system has programs keep what they know of a user; ``None`` for a user without a home.

    A path that depends on the current folder counts for nothing, for a download may be there.
    """
    if chosen := os.environ.get(STATE_FOLDER):
        return Path(chosen)
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        folder = _absolute("LOCALAPPDATA") or home / "AppData" / "Local"
    elif sys.platform == "darwin":
        folder = home / "Library" / "Application Support"
    else:
        folder = _absolute("XDG_STATE_HOME") or home / ".local" / "state"
    return folder / "vecmill" if folder.is_absolute() else None


def _absolute(name: str) -> Path | None:
    """Return the folder that a variable names in full."""
    folder = Path(os.environ.get(name, ""))
    return folder if folder.is_absolute() else None


ROOM = 1 << 23
"""Hashes that are compared at a time, 64 MB of them, however many documents there are."""


def write_ids(layout: Layout, index: int, ids: Iterable[str]) -> None:
    """Write the hashes of a shard's document ids, in ascending order."""
    with atomic(layout.ids(index), layout.temporary) as file:
        np.lib.format.write_array(file, np.sort(hash_ids(ids)), allow_pickle=False)


def can_read_ids(layout: Layout, index: int) -> bool:
    """Whether the hashes of a shard's ids are there and complete."""
    try:
        _hashes(layout, index)
    except (OSError, ValueError, EOFError):
        return False
    return True


def hash_ids(ids: Iterable[str]) -> npt.NDArray[np.uint64]:
    """Hash ids to 64 bits each."""
    digests = [hashlib.blake2b(id_.encode(), digest_size=8).digest() for id_ in ids]
    return np.frombuffer(b"".join(digests), np.uint64)


def find_duplicates(layout: Layout, shards: Sequence[int], count: int) -> dict[int, list[str]]:
    """Return ids that an earlier shard has read too, by shard, whether their documents could be embedded or not.

    Hashes point at the suspects, eight bytes a document; the ids themselves decide.
    """
    suspects = _suspects(layout, shards)
    if not suspects.size:
        return {}
    seen: set[str] = set()
    found: dict[int, list[str]] = {}
    for index in shards:
        here = _suspect_ids(layout, index, count, suspects)
        again = [id_ for id_ in here if id_ in seen]
        if again:
            found[index] = again
        seen.update(here)
    return found


def _suspects(layout: Layout, shards: Sequence[int]) -> npt.NDArray[np.uint64]:
    """Return the hashes that are there more than once."""
    found = [np.unique(values[1:][values[1:] == values[:-1]]) for values in _parts(layout, shards)]
    return np.concatenate([np.empty(0, np.uint64), *found])


def _parts(layout: Layout, shards: Sequence[int]) -> Iterator[npt.NDArray[np.uint64]]:
    """Yield all hashes of all shards in ascending order, about ``ROOM`` at a time; equal ones are in one part."""
    parts = -(-sum(_hashes(layout, index).size for index in shards) // ROOM)
    for part in range(parts):
        low, high = (2**64 * edge // parts for edge in (part, part + 1))
        values = np.concatenate([_between(_hashes(layout, index), low, high) for index in shards])
        values.sort()  # without a copy, and three times as fast as to count them
        yield values


def _between(values: npt.NDArray[np.uint64], low: int, high: int) -> npt.NDArray[np.uint64]:
    """Copy those of some ascending numbers that are at least ``low`` and below ``high``."""
    return values[bisect.bisect_left(values, low) : bisect.bisect_left(values, high)].copy()


def _suspect_ids(layout: Layout, index: int, count: int, suspects: npt.NDArray[np.uint64]) -> list[str]:
    wanted = np.intersect1d(_hashes(layout, index), suspects)
    if not wanted.size:
        return []
    # what the engine refused is in quarantine, among rows whose ids were not read as documents
    files = (layout.shard(index, count), layout.shard_quarantine(index))
    ids = list(dict.fromkeys(id_ for file in files for id_ in _column(file) if id_ is not None))
    return [id_ for id_, suspect in zip(ids, np.isin(hash_ids(ids), wanted), strict=True) if suspect]


def _hashes(layout: Layout, index: int) -> npt.NDArray[np.uint64]:
    """Return a shard's hashes, of which only what is used is read."""
    found: npt.NDArray[np.uint64] = np.load(layout.ids(index), mmap_mode="r", allow_pickle=False)
    return found


def _column(file: Path) -> list[str | None]:
    found: list[str | None] = []
    if file.is_file():
        found = pq.read_table(file, columns=["id"]).column("id").unique().to_pylist()
    return found
