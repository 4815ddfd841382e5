"""Releases: a source at one revision made into a dataset by one recipe, and which of them is current.

runs/wikipedia-b04c8d1c-3fa9c1/       a release
runs/wikipedia-b04c8d1c-3fa9c1.json   its metadata: it is finished, verified and published
runs/wikipedia.json                   the metadata of the current release, written last
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
from vecmill.records import ComponentSpec
from vecmill.runtimes import check_options, component_class, fingerprint_source, pin_source
from vecmill.store import Layout, read_json, read_manifest, write_bytes
from vecmill_modal_runtime.hub_files import HubFilesSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyarrow.dataset import Dataset as ArrowDataset

    from vecmill import Job
    from vecmill.records import Dataset, Manifest


COMMIT = re.compile(r"[0-9a-f]{40}")


class Release(NamedTuple):
    """What decides whether there is anything to do.

    Attributes:
        name: The dataset's name, the same for all releases.
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


def find_release(name: str, job: Job) -> Release:
    """Find out which release a job would make now. Little is read for it, and nothing is downloaded from the Hub.

    Args:
        name: The dataset's name.
        job: What to do; its model should be pinned.

    Raises:
        VecmillError: The source is not there, or an option is wrong.
    """
    source = pin_source(job.source)
    pinned = source.config.model_dump(mode="json")
    revision = pinned.get("revision") or ""
    return Release(
        name=name,
        source=ComponentSpec(name=job.source.name, options=pinned),
        revision=revision if COMMIT.fullmatch(revision) else fingerprint_source(source),
        recipe=_hash_recipe(job, {key: pinned[key] for key in pinned if key not in {"revision", *source.location}}),
        sample=bool(pinned.get("limit")),
    )


def _hash_recipe(job: Job, source: dict[str, Any]) -> str:
    kinds = {"chunker": job.chunker, "batching": job.batching, "embedder": job.embedder}
    essence = {
        **{kind: _describe_component(kind, spec) for kind, spec in kinds.items()},
        "model": [job.embedder.options.get("model"), job.embedder.options.get("revision")],
        **_model_files(job.embedder.options.get("model")),
        "source": {"name": job.source.name, **source},
        "shards": job.shards.model_dump(),
        "truncate": job.truncate,
    }
    return hashlib.sha256(json.dumps(essence, sort_keys=True).encode()).hexdigest()


def _model_files(model: str | None) -> dict[str, dict[str, str]]:
    """Return what a model's folder holds besides its weights; of a model of the Hub its commit says all."""
    if not model or find_folder(model) is None:
        return {}
    return {"files": describe_model(model).files}


def _describe_component(kind: str, spec: ComponentSpec) -> dict[str, Any]:
    component = component_class(kind, spec.name)
    chosen = check_options(kind, spec).model_dump(mode="json", exclude=set(component.location))
    return {"name": component.name, "version": component.version, **chosen}


class ReleaseMetadata(BaseModel):
    """What is known of a finished release. The fields are those of the first version, which has written such files.

    Attributes:
        folder: The name of its folder, which is next to the metadata.
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


def describe_release(release: Release, job: Job, dataset: Dataset) -> ReleaseMetadata:
    """Return the metadata of a release that is made, verified and published."""
    manifest = dataset.manifest
    path = job.source.options.get("path") if job.source.name == HubFilesSource.name else None
    return ReleaseMetadata(
        name=release.name,
        folder=release.folder,
        run_id=manifest.run_id,
        source=release.source,
        kept=str(Path(path).parent) if path else None,
        revision=release.revision,
        recipe=release.recipe,
        sample=release.sample,
        publish=job.publish[1:],
        published=list(dataset.published[1:]),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        documents=manifest.account.documents_embedded,
        chunks=manifest.account.chunks,
        bytes=sum(entry.bytes for entry in manifest.shards),
    )


class ReleaseIndex:
    """The releases of one dataset.

    Args:
        root: The folder of all runs.
        name: The dataset's name.
    """

    def __init__(self, root: Path, name: str) -> None:
        self.root = root
        self.name = name

    @property
    def current(self) -> ReleaseMetadata | None:
        """The current release."""
        return read_json(self._file(self.name), ReleaseMetadata)

    def find(self, folder: str = "") -> Path:
        """Return the folder of a release; of the current one by default.

        Raises:
            StoreError: There is none.
        """
        metadata = read_json(self._file(folder), ReleaseMetadata) if folder else self.current
        if metadata is None:
            there = ", ".join(sorted(each.folder for each in self._releases())) or "none"
            raise StoreError(
                f"there is no finished run {folder or self.name!r} in {self.root} (there are: {there}): "
                "`modal run -m apps.wikipedia` makes one"
            )
        return self.root / metadata.folder

    def find_unchanged(self, release: Release, publish: list[ComponentSpec]) -> ReleaseMetadata | None:
        """Return the metadata of a release if it is finished, published there, and all of its files are there.

        Files are compared by size: hashes are for ``verify``.
        """
        metadata = read_json(self._file(release.folder), ReleaseMetadata)
        if metadata is None or (metadata.revision, metadata.recipe) != (release.revision, release.recipe):
            return None
        layout = Layout(self.root / metadata.folder)
        manifest = read_manifest(layout)
        complete = manifest is not None and manifest.run_id == metadata.run_id and _has_files(layout, manifest)
        return metadata if complete and metadata.publish == publish else None

    def add(self, metadata: ReleaseMetadata) -> None:
        """Write a release's metadata, and make it the current one, unless it is a sample of what there is in full."""
        self._write(self._file(metadata.folder), metadata)
        now = self.current
        if now is None or now.sample or not metadata.sample:
            self._write(self._file(self.name), metadata)

    def list_outdated(self, count: int) -> list[ReleaseMetadata]:
        """Return the older revisions of the current release that need not stay.

        Releases of another recipe, samples, and what is not finished stay.

        Args:
            count: How many stay, the current one included; 0 for all.
        """
        current = self.current
        if current is None or count == 0:
            return []
        same = [release for release in self._releases() if release.recipe == current.recipe]
        same.sort(key=lambda release: (release.folder == current.folder, release.finished), reverse=True)
        return same[count:]

    def remove(self, metadata: ReleaseMetadata) -> None:
        """Remove a release, and the source files that only it was made from.

        Raises:
            StoreError: Some of it is left.
        """
        # the metadata first: what has none is not finished, whatever is left of it
        self._file(metadata.folder).unlink()
        _remove(self.root / metadata.folder)
        if metadata.kept and not any(other.kept == metadata.kept for other in self._all_releases()):
            _remove(Path(metadata.kept))

    def _releases(self) -> Iterator[ReleaseMetadata]:
        """Yield the metadata of this dataset's releases; another one's name may begin with its name."""
        return (release for release in self._all_releases() if release.name == self.name)

    def _all_releases(self) -> Iterator[ReleaseMetadata]:
        for file in sorted(self.root.glob("*-*.json")):
            metadata = read_json(file, ReleaseMetadata)
            if metadata is not None and metadata.folder == file.stem:
                yield metadata

    def _file(self, name: str) -> Path:
        return self.root / f"{name}.json"

    def _write(self, target: Path, metadata: ReleaseMetadata) -> None:
        write_bytes(target, self.root, metadata.model_dump_json(indent=2).encode() + b"\n")


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
    """Open a release of a dataset as one table; the current one by default.

    Raises:
        StoreError: There is none.
    """
    from pyarrow.dataset import dataset

    return dataset(ReleaseIndex(root, name).find(run) / "data", format="parquet")


def _has_files(layout: Layout, manifest: Manifest) -> bool:
    entries = [*manifest.shards, *([manifest.quarantine] if manifest.quarantine else [])]
    found: dict[str, Any] = {path.name: path.stat().st_size for path in layout.data.glob("*.parquet")}
    if layout.quarantine.is_file():
        found[layout.quarantine.name] = layout.quarantine.stat().st_size
    return all(found.get(Path(entry.path).name) == entry.bytes for entry in entries)
