"""Volume: where sources, weights and datasets are, the same path in every container."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import modal

from vecmill.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MOUNT = Path("/mnt/vecmill")
"""Where the Volume is in a container."""
BUCKET = Path("/mnt/bucket")
"""Where the bucket is, if the job has one."""
NAME = "VECMILL_VOLUME"
"""The variable with the Volume's name; it is part of the image, so every container has it."""
DEFAULT = "vecmill"

SOURCES, WEIGHTS, RUNS = MOUNT / "sources", MOUNT / "weights", MOUNT / "runs"


def volume(name: str | None = None) -> modal.Volume:
    """Return the Volume, which is made when it is first used. Version 2: many writers, no limit on files."""
    return modal.Volume.from_name(name or os.environ.get(NAME, DEFAULT), create_if_missing=True, version=2)


def commit() -> None:
    """Let other containers see what this one wrote. Files are moved into place whole, so they see no halves.

    Raises:
        StoreError: Modal does not take it.
    """
    with _translate_errors("what this container wrote could not be committed to the Volume"):
        volume().commit()


def reload() -> None:
    """See what other containers have committed.

    Raises:
        StoreError: Modal does not give it, or a file of the Volume is open in this container.
    """
    with _translate_errors("what other containers wrote to the Volume could not be seen"):
        volume().reload()


@contextlib.contextmanager
def ending_with(step: Callable[[], None]) -> Iterator[None]:
    """Commit or reload at the end, also of what fails; if that fails too, the first failure is the one to tell."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(StoreError):
            step()
        raise
    step()


def on_volume(folder: Path) -> str:
    """Return where a folder of a container is, from the Volume's root.

    Raises:
        ConfigError: No other container can see it.
    """
    if MOUNT not in folder.parents:
        raise ConfigError(
            f"the dataset would be made in {folder}, which no other container sees: let the 'parquet' publisher's path "
            f"begin with {MOUNT}/"
        )
    return str(folder.relative_to(MOUNT))


@contextlib.contextmanager
def _translate_errors(what: str) -> Iterator[None]:
    """Turn what Modal's client raises into an error of ours; an open file is a ``RuntimeError`` to it."""
    try:
        yield
    except (modal.exception.Error, RuntimeError) as error:
        raise StoreError(f"{what} ({error}): run again; what is done is kept") from error


def put(path: Path, name: str, to: str = "") -> Path:
    """Put a file or a folder of this machine among the sources on the Volume.

    Args:
        path: The file or folder; hidden files of a folder stay behind.
        name: The Volume's name.
        to: What to call it there; by default what it is called here.

    Returns:
        Where it is in containers: the ``source.path`` of a job.

    Raises:
        ConfigError: There is nothing to upload.
    """
    place = SOURCES / (to.strip("/") or path.resolve().name)
    if SOURCES not in Path(os.path.normpath(place)).parents:
        raise ConfigError(f"--to {to}: name a place among the sources, such as articles/2026")
    inside = {path: place} if path.is_file() else {found: place / found.relative_to(path) for found in _files(path)}
    if not inside:
        raise ConfigError(f"there is no file {path}, and no folder of that name with files in it (in {Path.cwd()})")
    upload({here: f"/{there.relative_to(MOUNT)}" for here, there in inside.items()}, name)
    return place


def _files(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*"))
    return [path for path in found if path.is_file() and not _is_hidden(path.relative_to(folder))]


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def upload(files: Mapping[Path, str], name: str | None = None) -> None:
    """Put files of this machine on the Volume, from outside of any container.

    Args:
        files: The path on the Volume of each.
        name: The Volume's name.
    """
    with volume(name).batch_upload(force=True) as batch:
        for path, target in files.items():
            batch.put_file(path, target)
