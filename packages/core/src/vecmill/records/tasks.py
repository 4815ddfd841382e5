"""Tasks and receipts: what travels between driver and worker, with the components, model and counts in them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from vecmill.records.model import Amount, Count, Line, ModelInfo, RunId, Sha256, Tree, Word
from vecmill.sanitize import is_inside

if TYPE_CHECKING:
    from pathlib import Path


class ComponentSpec(BaseModel):
    """A component by its registered name, with its validated options."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    options: dict[str, Any] = Field(default_factory=dict)


class Account(BaseModel):
    """Counts over a shard or a run; accounts add up.

    Attributes:
        documents_in: Documents read from the source.
        documents_embedded: Documents of which every chunk has a vector in the dataset.
        documents_quarantined: Documents quarantined, each with a reason.
        chunks: Rows of the dataset.
        characters: Characters of text in those rows.
        tokens: The model's tokens embedded, special tokens included.
        truncated_chunks: Chunks of which the model saw only the beginning.
        shortened_titles: Documents whose title was too long, and was shortened before each chunk.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    documents_in: Count = 0
    documents_embedded: Count = 0
    documents_quarantined: Count = 0
    chunks: Count = 0
    characters: Count = 0
    tokens: Count = 0
    truncated_chunks: Count = 0
    shortened_titles: Count = 0

    def __add__(self, other: Account) -> Account:
        """Return the account of both together."""
        mine, theirs = self.model_dump(), other.model_dump()
        return Account(**{key: mine[key] + theirs[key] for key in mine})

    @property
    def balanced(self) -> bool:
        """Whether every document that went in is accounted for."""
        return self.documents_in == self.documents_embedded + self.documents_quarantined


class WorkerUpload(BaseModel):
    """A publisher that workers send their shards with.

    Attributes:
        publisher: Its name and its options; secrets are not among them, a worker finds its own.
        ready: What its ``prepare`` returned in the driver.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    publisher: ComponentSpec
    ready: dict[str, Any] = Field(default_factory=dict)


class Sent(BaseModel):
    """A shard that a worker sent.

    Attributes:
        publisher: Whose upload it was, by name.
        sha256: Of the shard, in hex.
        note: What the publisher's ``send`` returned; opaque to all others.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    publisher: Word
    sha256: Sha256
    note: Tree = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts so far in one attempt at one shard."""

    shard: int
    documents: int = 0
    chunks: int = 0
    tokens: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a job is run, besides what it says itself: the keywords of ``vecmill.run``.

    Attributes:
        overwrite: Replace another run in the output folder.
        since: An earlier dataset, its folder or its repo on the Hub, whose vectors are used again.
        trust_vectors: Use them without a comparison.
    """

    overwrite: bool = False
    since: str | Path | None = None
    trust_vectors: bool = False


def hash_json(value: object) -> str:
    """Hash what JSON makes of a value, in 16 hex digits: the same before and after it has travelled."""
    travelled = json.loads(json.dumps(value))
    return hashlib.sha256(json.dumps(travelled, sort_keys=True).encode()).hexdigest()[:16]


class Partition(BaseModel):
    """A part of a source that one worker reads.

    Attributes:
        where: What the source needs to find it again; small, JSON only.
        documents: How many documents it holds, if the source knows without reading them.
        bytes: About how much text it holds, for balancing and progress.
        seen: By what a worker knows that the source is still what it was when this command looked at it. It holds on
            this machine and for this command alone, and is no part of what the partition is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    where: dict[str, Any]
    documents: int | None = None
    bytes: int = 0
    seen: str = ""

    @property
    def digest(self) -> str:
        """Hash what says which rows these are, in 16 hex digits."""
        return hash_json(self.model_dump(mode="json", exclude={"seen"}))


class WorkSpec(BaseModel):
    """What is the same for every shard of a run: the components, and where the dataset grows.

    Attributes:
        model: What the driver knows of the model; a worker that finds another one refuses the shard.
        keep: The source's columns to carry along, an Arrow schema in base64: every shard has just these.
        since: The folder of an earlier dataset whose vectors are used again.
        seed: Decides which of those are checked; drawn by chance for each command, and no part of what comes out.
        trust_vectors: Whether none of them is checked.
        uploads: What publishers have a worker do with a shard that it finished.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    directory: str
    source: ComponentSpec
    chunker: ComponentSpec
    batching: ComponentSpec
    embedder: ComponentSpec
    model: ModelInfo | None = None
    truncate: bool = False
    keep: str = ""
    since: str | None = None
    seed: int = 0
    trust_vectors: bool = False
    uploads: tuple[WorkerUpload, ...] = ()


class ShardTask(BaseModel):
    """Which rows of the source become which file. A few kilobytes, whatever the shard's size.

    Attributes:
        spec: What every shard of the run shares.
        index: The shard's number, from 0.
        count: How many shards the run has.
        partition: The rows to read.
        duplicates: Ids to quarantine because an earlier shard has them.
        again: Whether the shard is there, and is made again for the documents that the engine refused: all others keep
            their vectors.
        sealed: What ``digest`` was where the task was made; empty if nobody wrote it down.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    spec: WorkSpec
    index: int
    count: int
    partition: Partition
    duplicates: tuple[str, ...] = ()
    again: bool = False
    sealed: str = ""

    @property
    def digest(self) -> str:
        """Hash everything that a worker receives, in 16 hex digits."""
        return hash_json(self.model_dump(mode="json", exclude={"sealed"}))

    def seal(self) -> ShardTask:
        """Return the task with its digest: a worker that has read something else out of it does not begin."""
        return self.model_copy(update={"sealed": self.digest})


class FileEntry(BaseModel):
    """A file of the dataset: path relative to its folder, rows, size in bytes, sha256 in hex.

    A manifest may come from anywhere, so one that names a file outside of its folder is refused.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    path: Line
    rows: Count
    bytes: Count
    sha256: Sha256

    @field_validator("path")
    @classmethod
    def _in_its_folder(cls, path: str) -> str:
        if not is_inside(path):
            raise ValueError(f"{path!r} is not a path within the dataset's folder")
        return path


class Receipt(BaseModel):
    """What a worker returns for a finished shard: counts and checksums, no data.

    Attributes:
        index: The shard's number.
        partition: The digest of the partition that was read; the first versions did not note it.
        task: The digest of the task as the worker understood it.
        shard: Its file.
        quarantine: The file of quarantined documents, if there are any.
        account: Its counts.
        reasons: Quarantined documents by reason.
        reused_chunks: How many chunks have the vector that an earlier run gave them.
        reused_from: That run's id; empty if there was none.
        reused_shards: The digest of the shards that the run's dataset had then; the first versions did not note it.
        seconds: Worker time, reading to writing.
        duplicates: Ids that the task named as standing in an earlier shard.
        sent: To whom the worker has sent the shard already.
        unsent: Why it could not be sent to others, in a sentence each; it is left to them to fetch it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: RunId
    index: Count
    partition: Word = ""
    task: Word = ""
    shard: FileEntry
    quarantine: FileEntry | None = None
    account: Account
    reasons: dict[Line, Count] = Field(default_factory=dict)
    reused_chunks: Count = 0
    reused_from: Word = ""
    reused_shards: Word = ""
    seconds: Amount = 0.0
    duplicates: tuple[str, ...] = ()
    sent: tuple[Sent, ...] = ()
    unsent: tuple[str, ...] = ()

    def is_of(self, partition: Partition) -> bool:
        """Whether it is the receipt of just these rows."""
        return self.partition == partition.digest and partition.documents in {None, self.account.documents_in}


class ShardFailure(BaseModel):
    """A shard that could not be finished, after all its attempts.

    Attributes:
        index: The shard's number.
        error: Why, in a sentence.
        attempts: How often it was tried.
        engine: Whether the engine refuses whatever it is given, so that other shards would meet the same.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    index: int
    error: str
    attempts: int = 1
    engine: bool = False
