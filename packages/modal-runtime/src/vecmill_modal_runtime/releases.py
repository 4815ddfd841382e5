"""Releases: a source at one revision made into a dataset by one recipe, and which of them is current.

runs/wikipedia-b04c8d1c-3fa9c1/       an edition
runs/wikipedia-b04c8d1c-3fa9c1.json   its record: it is finished, verified and published
runs/wikipedia.json                   the record of the current one, written last
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from vecmill.errors import StoreError
from vecmill.models import describe_model, find_folder
from vecmill.plugins import load
from vecmill.plugins.registry import build, options
from vecmill.records import ComponentSpec
from vecmill.sources.corpus import Corpus
from vecmill.store.files import read_json, read_manifest, write_bytes
from vecmill.store.layout import Layout
from vecmill_modal_runtime.hub_files import HubFilesSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyarrow.dataset import Dataset as ArrowDataset

    from vecmill import Job
    from vecmill.plugins import Registry
    from vecmill.records import Dataset, Manifest


COMMIT = re.compile(r"[0-9a-f]{40}")


class Release(NamedTuple):
    """What decides whether there is anything to do.

    Attributes:
        name: The dataset's name, the same for all editions.
        source: The source with all that could move pinned: a branch is a commit.
        revision: The source's commit, or the fingerprint of its content.
        recipe: Hash of everything else that decides what comes out.
        sample: Whether it is only the beginning of the source.
    """

    name: str
    source: ComponentSpec
    revision: str
    recipe: str
    sample: bool

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return f"{self.name}-{self.revision[:8]}-{self.recipe[:6]}"


def edition(name: str, job: Job) -> Release:
    """Find out which edition a job would make now. Little is read for it, and nothing is downloaded from the Hub.

    Args:
        name: The dataset's name.
        job: What to do; its model should be pinned.

    Raises:
        VecmillError: The source is not there, or an option is wrong.
    """
    registry = load().registry
    source = Corpus(build(registry, "source", job.source)).pinned()
    pinned = source.config.model_dump(mode="json")
    revision = pinned.get("revision") or ""
    return Release(
        name=name,
        source=ComponentSpec(name=job.source.name, options=pinned),
        revision=revision if COMMIT.fullmatch(revision) else Corpus(source).fingerprint(),
        recipe=_recipe(
            registry, job, {key: pinned[key] for key in pinned if key not in {"revision", *source.location}}
        ),
        sample=bool(pinned.get("limit")),
    )


def _recipe(registry: Registry, job: Job, source: dict[str, Any]) -> str:
    kinds = {"chunker": job.chunker, "batching": job.batching, "embedder": job.embedder}
    essence = {
        **{kind: _describe_component(registry, kind, spec) for kind, spec in kinds.items()},
        "model": [job.embedder.options.get("model"), job.embedder.options.get("revision")],
        **_model_files(job.embedder.options.get("model")),
        "source": {"name": job.source.name, **source},
        "shards": job.shards.model_dump(),
        "truncate": job.truncate,
    }
    return hashlib.sha256(json.dumps(essence, sort_keys=True).encode()).hexdigest()


def _model_files(model: str | None) -> dict[str, dict[str, str]]:
    """Return what a model's folder holds beside its weights; of a model of the Hub its commit says all."""
    if not model or find_folder(model) is None:
        return {}
    return {"files": describe_model(model).files}


def _describe_component(registry: Registry, kind: str, spec: ComponentSpec) -> dict[str, Any]:
    component = registry.get(kind, spec.name)
    chosen = options(component, kind, spec.options).model_dump(mode="json", exclude=set(component.location))
    return {"name": component.name, "version": component.version, **chosen}


class ReleaseMetadata(BaseModel):
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


def record(wanted: Release, job: Job, dataset: Dataset) -> ReleaseMetadata:
    """Return the record of an edition that is made, verified and published."""
    manifest = dataset.manifest
    path = job.source.options.get("path") if job.source.name == HubFilesSource.name else None
    return ReleaseMetadata(
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


class ReleaseIndex:
    """The editions of one dataset.

    Args:
        root: The folder of all runs.
        name: The dataset's name.
    """

    def __init__(self, root: Path, name: str) -> None:
        self.root = root
        self.name = name

    @property
    def current(self) -> ReleaseMetadata | None:
        """The current edition."""
        return read_json(self._file(self.name), ReleaseMetadata)

    def find(self, folder: str = "") -> Path:
        """Return the folder of an edition; of the current one by default.

        Raises:
            StoreError: There is none.
        """
        record = read_json(self._file(folder), ReleaseMetadata) if folder else self.current
        if record is None:
            there = ", ".join(sorted(record.folder for record in self._records())) or "none"
            raise StoreError(
                f"there is no finished run {folder or self.name!r} in {self.root} (there are: {there}): "
                "`modal run -m apps.wikipedia` makes one"
            )
        return self.root / record.folder

    def find_unchanged(self, edition: Release, publish: list[ComponentSpec]) -> ReleaseMetadata | None:
        """Return the record of an edition if it is finished, published there, and all of its files are in place.

        Files are compared by size: hashes are for ``verify``.
        """
        record = read_json(self._file(edition.folder), ReleaseMetadata)
        if record is None or (record.revision, record.recipe) != (edition.revision, edition.recipe):
            return None
        layout = Layout(self.root / record.folder)
        manifest = read_manifest(layout)
        whole = manifest is not None and manifest.run_id == record.run_id and _in_place(layout, manifest)
        return record if whole and record.publish == publish else None

    def add(self, record: ReleaseMetadata) -> None:
        """Write an edition's record, and make it the current one, unless it is a sample of what there is in full."""
        self._write(self._file(record.folder), record)
        now = self.current
        if now is None or now.sample or not record.sample:
            self._write(self._file(self.name), record)

    def list_outdated(self, keep: int) -> list[ReleaseMetadata]:
        """Return the older revisions of the current edition that need not stay.

        Editions of another recipe, samples, and what is not finished stay.

        Args:
            keep: How many stay, the current one included; 0 for all.
        """
        current = self.current
        if current is None or keep == 0:
            return []
        same = [record for record in self._records() if record.recipe == current.recipe]
        same.sort(key=lambda record: (record.folder == current.folder, record.finished), reverse=True)
        return same[keep:]

    def remove(self, record: ReleaseMetadata) -> None:
        """Remove an edition, and the source files that only it was made from.

        Raises:
            StoreError: Some of it is left.
        """
        # the record first: what has none is not finished, whatever is left of it
        self._file(record.folder).unlink()
        _remove(self.root / record.folder)
        if record.kept and not any(other.kept == record.kept for other in self._all_records()):
            _remove(Path(record.kept))

    def _records(self) -> Iterator[ReleaseMetadata]:
        """Yield the records of this dataset's editions; another one's name may begin with its name."""
        return (record for record in self._all_records() if record.name == self.name)

    def _all_records(self) -> Iterator[ReleaseMetadata]:
        for file in sorted(self.root.glob("*-*.json")):
            record = read_json(file, ReleaseMetadata)
            if record is not None and record.folder == file.stem:
                yield record

    def _file(self, name: str) -> Path:
        return self.root / f"{name}.json"

    def _write(self, target: Path, record: ReleaseMetadata) -> None:
        write_bytes(target, self.root, record.model_dump_json(indent=2).encode() + b"\n")


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(
            f"{folder} could not be removed ({error}): `modal volume rm -r` removes what is left"
        ) from error


def open_dataset(root: Path, name: str, run: str = "") -> ArrowDataset:
    """Open an edition of a dataset as one table; the current one by default.

    Raises:
        StoreError: There is none.
    """
    from pyarrow.dataset import dataset

    return dataset(ReleaseIndex(root, name).find(run) / "data", format="parquet")


def _in_place(layout: Layout, manifest: Manifest) -> bool:
    entries = [*manifest.shards, *([manifest.quarantine] if manifest.quarantine else [])]
    found: dict[str, Any] = {path.name: path.stat().st_size for path in layout.data.glob("*.parquet")}
    if layout.quarantine.is_file():
        found[layout.quarantine.name] = layout.quarantine.stat().st_size
    return all(found.get(Path(entry.path).name) == entry.bytes for entry in entries)
