"""Events: what an observer of a run receives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vecmill.records.manifest import Cost, Manifest
    from vecmill.records.tasks import Progress, Receipt, ShardFailure


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The plan is made. ``bytes`` of text in ``shards`` shards, of which ``done`` are finished already."""

    run_id: str
    directory: str
    shards: int
    done: int
    bytes: int
    done_bytes: int
    documents: int | None


@dataclass(frozen=True, slots=True)
class RunSubmitted:
    """A launcher has the whole job; ``launcher`` is what it calls itself. It may report nothing else."""

    launcher: str


@dataclass(frozen=True, slots=True)
class ShardStarted:
    """An attempt at a shard begins; ``worker`` is its process, if it is on this machine."""

    shard: int
    attempt: int
    worker: int | None = None


@dataclass(frozen=True, slots=True)
class ShardProgress:
    """A worker is this far with a shard."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class ShardDone:
    """A shard is on disk. ``bytes`` is its share of the source's text."""

    receipt: Receipt
    bytes: int


@dataclass(frozen=True, slots=True)
class ShardRetried:
    """An attempt at a shard failed, and another follows."""

    shard: int
    error: str


@dataclass(frozen=True, slots=True)
class ShardFailed:
    """A shard failed for good."""

    failure: ShardFailure


@dataclass(frozen=True, slots=True)
class WorkerLogged:
    """A worker, or a library in it, wrote a line to its log; ``shard`` is what it works on, if anything."""

    worker: int
    shard: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Spent:
    """What the run has cost so far, earlier commands included, and how many machines are at work.

    Only from runtimes that cost money; the last one is what the manifest says.
    """

    cost: Cost
    machines: int


@dataclass(frozen=True, slots=True)
class DocumentsRetried:
    """Documents that the engine refused in earlier commands were tried again.

    Attributes:
        documents: How many.
        embedded: How many of them are in the dataset now.
        error: Why they could not all be tried, if so.
    """

    documents: int
    embedded: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The manifest is written."""

    manifest: Manifest
    directory: str


@dataclass(frozen=True, slots=True)
class Publishing:
    """A publisher has delivered ``done`` of ``bytes`` to ``place``; what was there before counts as delivered."""

    place: str
    done: int
    bytes: int


RunEvent = (
    RunSubmitted
    | RunStarted
    | ShardStarted
    | ShardProgress
    | ShardDone
    | ShardRetried
    | ShardFailed
    | WorkerLogged
    | Spent
    | DocumentsRetried
    | RunFinished
    | Publishing
)
