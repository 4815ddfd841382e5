"""Events: what an observer of a run is told."""

from __future__ import annotations

from typing import NamedTuple

from vecmill.records.manifest import Manifest
from vecmill.records.progress import Progress
from vecmill.records.task import Receipt, ShardFailure


class RunStarted(NamedTuple):
    """The plan is made. ``bytes`` of text in ``shards`` shards, of which ``done`` are finished already."""

    run_id: str
    directory: str
    shards: int
    done: int
    bytes: int
    done_bytes: int
    documents: int | None


class ShardProgress(NamedTuple):
    """A worker is this far with a shard."""

    progress: Progress


class ShardDone(NamedTuple):
    """A shard is on disk. ``bytes`` is its share of the source's text."""

    receipt: Receipt
    bytes: int


class ShardRetried(NamedTuple):
    """An attempt at a shard failed, and another follows."""

    index: int
    error: str


class ShardFailed(NamedTuple):
    """A shard failed for good."""

    failure: ShardFailure


class RunFinished(NamedTuple):
    """The manifest is written."""

    manifest: Manifest
    directory: str


RunEvent = RunStarted | ShardProgress | ShardDone | ShardRetried | ShardFailed | RunFinished
