"""Record: what is known of a finished edition without opening it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from vecmill.records import ComponentSpec
from vecmill_modal_runtime.hub_files import HubFilesSource

if TYPE_CHECKING:
    from vecmill import Job
    from vecmill.records import Dataset
    from vecmill_modal_runtime.edition import Edition


class Record(BaseModel):
    """A finished edition.

    Attributes:
        folder: Its name, beside the record.
        source: As pinned.
        kept: The folder of the source's files on the Volume, if they were downloaded.
        publish: To where it was published.
        published: The addresses.
        finished: When, ISO 8601, UTC.
        bytes: Size of its shards.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    folder: str
    run_id: str
    source: ComponentSpec
    kept: str | None = None
    revision: str
    recipe: str
    sample: bool
    publish: list[ComponentSpec]
    published: list[str]
    finished: str
    documents: int
    chunks: int
    bytes: int


def record(wanted: Edition, job: Job, dataset: Dataset) -> Record:
    """Return the record of an edition that is made, verified and published."""
    manifest = dataset.manifest
    path = job.source.options.get("path") if job.source.name == HubFilesSource.name else None
    return Record(
        name=wanted.name,
        folder=wanted.folder,
        run_id=manifest.run_id,
        source=wanted.source,
        kept=str(Path(path).parent) if path else None,
        revision=wanted.revision,
        recipe=wanted.recipe,
        sample=wanted.sample,
        publish=job.publish[1:],
        published=list(dataset.published[1:]),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        documents=manifest.account.documents_embedded,
        chunks=manifest.account.chunks,
        bytes=sum(entry.bytes for entry in manifest.shards),
    )
