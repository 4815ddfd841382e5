"""Manifest: what ``manifest.json`` says about a dataset."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from vecmill.records.model import Amount, Count, Line, ModelInfo, RunId, Text, Time, Tree, Word, Words
from vecmill.records.tasks import Account, FileEntry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


HOUR = 3600


class Cost(BaseModel):
    """About what a run has cost, over all commands that worked on it.

    Attributes:
        currency: Of ``estimate`` and ``price_per_second``.
        estimate: Containers' seconds times their price; an estimate from above, not a bill.
        gpu: What the last command asked for, such as ``A10G``; empty for processors alone.
        container_seconds: Time summed over containers, their start and their idle time included.
        price_per_second: Of one container of the last command, its processors and memory included.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    currency: Word = "USD"
    estimate: Amount
    gpu: Word = ""
    container_seconds: Amount
    price_per_second: Amount

    def __str__(self) -> str:
        """Say it in a line."""
        hours, kind = self.container_seconds / HOUR, self.gpu or "no GPU"
        return (
            f"about {self.estimate:,.2f} {self.currency}: {hours:,.2f} container hours ({kind}) "
            f"at {self.price_per_second:.6f} a second"
        )


SOMEWHERE = ".../"
"""Stands for the folders that a file or a folder is in."""


class LocalOptions(BaseModel):
    """Where a dataset's model is on this machine: a folder or an address.

    Attributes:
        run_id: Of the run that was made with it.
        embedder: Options of the embedder, instead of what the recipe says.
        error: Why it cannot be known, if it cannot.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: Word = ""
    embedder: Tree = Field(default_factory=dict)
    error: str = Field("", exclude=True)


class Terms(BaseModel):
    """What a dataset's card says of a text's licence and language, in the Hub's words.

    Attributes:
        license: Identifiers of the licences; empty if none is stated.
        license_name: Of a licence that the Hub calls ``other``.
        license_link: Where to read that licence.
        language: Codes of the languages.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    license: Words = ()
    license_name: Line = ""
    license_link: Line = ""
    language: Words = ()

    def but(self, license: tuple[str, ...] = (), language: tuple[str, ...] = ()) -> Terms:  # noqa: A002 - the Hub's word
        """Return these terms with others instead, where there are any."""
        named = Terms(license=license) if license else self.model_copy(update={"language": ()})
        return named.model_copy(update={"language": language or self.language})


FORMAT = 1


NAMED = ("source", "chunker", "embedder")
"""The parts that every recipe names."""
_FILE = re.compile(r"(?:[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*/)*[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*\.parquet")
"""What a run writes of rows: Parquet, and nothing that a system or a program hides."""
_SHA256 = 64
LONGEST_NAME = 256
"""Characters of a component's name; any are shown."""


def check_recipe(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return a recipe that names its parts.

    Raises:
        ValueError: It does not.
    """
    for kind in NAMED:
        part = recipe.get(kind)
        name = part.get("name") if isinstance(part, dict) else None
        if not (isinstance(name, str) and len(name) <= LONGEST_NAME):
            raise ValueError(f"it does not say which {kind} it is of")
    return recipe


class SourceInfo(BaseModel):
    """Where the text came from: the source's name, its options, the fingerprint of its content, and its terms."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: Word
    fingerprint: Line
    options: Tree = Field(default_factory=dict)
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

    started: Time
    finished: Time
    wall_seconds: Amount
    worker_seconds: Amount


class Reused(BaseModel):
    """An earlier run, and how many chunks have vectors of earlier runs.

    Attributes:
        run_id: The earlier run; where there were several, the one of most of the vectors.
        chunks: How many chunks were not embedded, in all.
        runs: How many have their vectors from which run, if there were several.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: RunId
    chunks: Count
    runs: dict[RunId, Count] = Field(default_factory=dict)


class Manifest(BaseModel):
    """The recipe, the source, the model, the account and every file of a finished run.

    ``status`` is ``complete``, or ``failed`` when more documents were quarantined than the job allows;
    the dataset then stays for inspection. ``max_quarantine`` is the share that it allowed when that was judged.
    ``columns`` are those of the shards, with their Arrow types.
    ``duplicates`` lists, by shard, ids that an earlier shard has.
    ``cost`` is there only if the runtime sends a bill, ``reused`` if vectors of an earlier run were used again.
    ``split`` is the digest of how the source was cut into shards, empty in datasets of the first versions.
    ``local_options`` is never written with the rest: all may read the recipe, and it is of this machine alone.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int = FORMAT
    vecmill: Word
    run_id: RunId
    status: Literal["complete", "failed"] = "complete"
    max_quarantine: Annotated[float, Field(ge=0, le=1)] | None = None
    identity: Tree
    recipe: Annotated[Tree, AfterValidator(check_recipe)]
    source: SourceInfo
    model: ModelInfo
    account: Account
    reasons: dict[Line, Count] = Field(default_factory=dict)
    columns: dict[Line, Text] = Field(default_factory=dict)
    split: Word = ""
    shards: list[FileEntry]
    quarantine: FileEntry | None = None
    duplicates: dict[Count, list[str]] = Field(default_factory=dict)
    timing: Timing
    reused: Reused | None = None
    cost: Cost | None = None
    local_options: LocalOptions = Field(default=LocalOptions(), exclude=True)

    @field_validator("shards", "quarantine")
    @classmethod
    def _check_files(cls, value: list[FileEntry] | FileEntry | None) -> list[FileEntry] | FileEntry | None:
        entries = value if isinstance(value, list) else [value] if value else []
        for entry in entries:
            if not _FILE.fullmatch(entry.path):
                raise ValueError(f"{entry.path!r} is not the name of a Parquet file of a dataset")
            if len(entry.sha256) != _SHA256:
                raise ValueError(f"{entry.path!r} has no sha256")
        return value

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        """Refuse a file that is named twice."""
        paths = [entry.path for entry in self.files]
        if len(set(paths)) < len(paths):
            raise ValueError("a file is named twice in it")
        return self

    @property
    def shards_digest(self) -> str:
        """The hash of all shards' hashes: another one as soon as a row of the dataset is another."""
        return hashlib.sha256("\n".join(entry.sha256 for entry in self.shards).encode()).hexdigest()

    @property
    def content_hash(self) -> str:
        """What the shards hold, in 8 hex digits."""
        return hashlib.sha256("".join(entry.sha256 for entry in self.shards).encode()).hexdigest()[:8]

    @property
    def published_name(self) -> str:
        """The name of the run's folder and tag on the Hub: other content, another name."""
        return f"run-{self.run_id}-{self.content_hash}"

    @property
    def shard_folder(self) -> str:
        """The folder of the shards: ``data``, or one below it in a copy of a repo of the Hub."""
        return str(PurePosixPath(self.shards[0].path).parent) if self.shards else "data"

    @property
    def files(self) -> list[FileEntry]:
        """All files of rows: the shards, and the quarantine if there is one."""
        return [*self.shards, *([self.quarantine] if self.quarantine else [])]


def hash_identity(identity: Mapping[str, Any]) -> str:
    """Hash an identity to 16 hex digits: the id of a run."""
    canonical = json.dumps(identity, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A finished dataset.

    Attributes:
        path: Its folder.
        manifest: What it holds, and how it was made.
        published: Where publishers delivered it.
        fetch: The command that brings it here, if ``path`` is on another machine.
    """

    path: Path
    manifest: Manifest
    published: tuple[str, ...] = ()
    fetch: str | None = None

    @property
    def account(self) -> Account:
        """What went in and what came out."""
        return self.manifest.account
