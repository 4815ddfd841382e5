"""Manifest: what ``manifest.json`` says about a dataset."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from vecmill.records.account import Account
from vecmill.records.cost import Cost
from vecmill.records.model import ModelInfo
from vecmill.records.places import Places
from vecmill.records.task import FileEntry
from vecmill.records.terms import Terms

FORMAT = 1


class SourceInfo(BaseModel):
    """Where the text came from: the source's name, its options, the fingerprint of its content, and its terms."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    fingerprint: str
    options: dict[str, Any] = Field(default_factory=dict)
    terms: Terms = Terms()


class Timing(BaseModel):
    """When the run was, and how long it worked.

    Attributes:
        started: ISO 8601, UTC.
        finished: ISO 8601, UTC.
        wall_seconds: Time of the command that finished the run.
        worker_seconds: Time summed over all shards and workers.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    started: str
    finished: str
    wall_seconds: float
    worker_seconds: float


class Reused(BaseModel):
    """An earlier run, and how many chunks have vectors of earlier runs.

    Attributes:
        run_id: The earlier run; where there were several, the one of most of the vectors.
        chunks: How many chunks were not embedded, in all.
        runs: How many have their vectors from which run, if there were several.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: str
    chunks: int
    runs: dict[str, int] = Field(default_factory=dict)


class Manifest(BaseModel):
    """The recipe, the source, the model, the account and every file of a finished run.

    ``status`` is ``complete``, or ``failed`` when more documents were set aside than the job allows;
    the dataset is then kept for inspection. ``max_quarantine`` is the share that it allowed when that was judged.
    ``columns`` are those of the shards, with their Arrow types.
    ``duplicates`` lists, by shard, ids that an earlier shard has.
    ``cost`` is there only if the runtime sends a bill, ``reused`` if vectors of an earlier run were used again.
    ``split`` is the digest of how the source was cut into shards, empty in datasets of the first versions.
    ``places`` is never written with the rest: the recipe is for all to read, and they are of this machine alone.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int = FORMAT
    vecmill: str
    run_id: str
    status: Literal["complete", "failed"] = "complete"
    max_quarantine: float | None = None
    identity: dict[str, Any]
    recipe: dict[str, Any]
    source: SourceInfo
    model: ModelInfo
    account: Account
    reasons: dict[str, int] = Field(default_factory=dict)
    columns: dict[str, str] = Field(default_factory=dict)
    split: str = ""
    shards: list[FileEntry]
    quarantine: FileEntry | None = None
    duplicates: dict[int, list[str]] = Field(default_factory=dict)
    timing: Timing
    reused: Reused | None = None
    cost: Cost | None = None
    places: Places = Field(default=Places(), exclude=True)
