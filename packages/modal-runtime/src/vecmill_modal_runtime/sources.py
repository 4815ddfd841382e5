"""Sources: a dataset of the Hub is downloaded to the Volume once, and read there by every container."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from vecmill.errors import SourceError
from vecmill.records import ComponentSpec
from vecmill_modal_runtime.hub_files import HubFilesSource
from vecmill_modal_runtime.volume import SOURCES, commit, reload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Piece(BaseModel):
    """A file to download.

    Attributes:
        repo: The dataset.
        revision: The commit.
        name: The file's path in the repository.
        target: Where it goes; its name ends with the content's id.
        size: Its bytes.
        twin: The same content on the Volume, if it is in another revision.
    """

    model_config = ConfigDict(frozen=True)

    repo: str
    revision: str
    name: str
    target: Path
    size: int
    twin: Path | None = None

    @property
    def here(self) -> bool:
        """Whether it is on the Volume, complete."""
        return _has_size(self.target, self.size)


def localize_source(spec: ComponentSpec, download: Callable[[list[str]], Iterable[Any]]) -> ComponentSpec:
    """Return the source as it is on the Volume, downloading what is not there.

    A sample (a source with a ``limit``), a dataset that is not in Parquet, and other sources stay as they are.

    Args:
        spec: The source of a job, pinned.
        download: Does ``fetch`` for each of many pieces, given as JSON, in as many containers as it likes.

    Raises:
        SourceError: A file is missing after all.
    """
    if spec.name != "hub" or spec.options.get("limit"):
        return spec
    pieces = _pieces(spec)
    if not pieces:
        return spec
    missing = [piece for piece in pieces if not piece.here]
    if missing:
        for _ in download([_with_twin(piece).model_dump_json() for piece in missing]):
            pass
        reload()
    lost = [piece.name for piece in pieces if not piece.here]
    if lost:
        raise SourceError(f"{lost[0]} of {spec.options['repo']} did not arrive on the Volume: run again")
    return ComponentSpec(
        name=HubFilesSource.name, options={**spec.options, "path": f"{pieces[0].target.parent}/*-*.parquet"}
    )


def fetch(piece: str) -> str:
    """Bring one file to the Volume in this container, and commit it; return its name.

    What another revision has of the same content is copied, anything else is downloaded.

    Raises:
        VecmillError: The Hub does not give it.
    """
    from huggingface_hub import hf_hub_download

    from vecmill.files import reading

    wanted = Piece.model_validate_json(piece)
    if wanted.twin is not None and _copy(wanted.twin, wanted):
        return wanted.name
    with tempfile.TemporaryDirectory() as folder:
        with reading(wanted.repo, wanted.revision):
            found = hf_hub_download(
                wanted.repo, wanted.name, repo_type="dataset", revision=wanted.revision, local_dir=folder
            )
        _copy(Path(found), wanted)
    return wanted.name


def _copy(source: Path, piece: Piece) -> bool:
    """Copy a file to where a piece goes, and commit it; return whether it was there, and complete."""
    if not _has_size(source, piece.size):
        return False
    partial = piece.target.with_name(f".{piece.target.name}.partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, partial)
    partial.replace(piece.target)
    commit()
    return True


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _with_twin(piece: Piece) -> Piece:
    """Search for the same content in other revisions and splits of the dataset."""
    _, _, content = piece.target.name.partition("-")
    dataset = piece.target.parents[2]
    twins = sorted(path for path in dataset.glob(f"*/*/*-{content}") if _has_size(path, piece.size))
    return piece.model_copy(update={"twin": twins[0]}) if twins else piece


def _pieces(spec: ComponentSpec) -> list[Piece]:
    """Return the files of a split at its commit, named so that their order is the source's."""
    from vecmill.files import HubRepo, reading
    from vecmill.sources import layout

    chosen = spec.options
    with reading(chosen["repo"], chosen.get("revision")):
        repo = HubRepo(chosen["repo"], chosen.get("revision"))
        split = chosen.get("split", "train")
        config, files = layout(repo, chosen.get("config"), split)
    folder = SOURCES / repo.id.replace("/", "--") / repo.sha / f"{config or 'default'}-{split}"
    return [
        Piece(
            repo=repo.id,
            revision=repo.sha,
            name=file.name,
            size=file.size,
            target=folder / f"{index:05d}-{file.oid}.parquet",
        )
        for index, file in enumerate(files)
    ]
