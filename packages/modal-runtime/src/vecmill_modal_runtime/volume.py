"""Volume: where sources, weights and datasets are, the same path in every container."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import modal

from vecmill.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    """Let other containers see what this one wrote. Files are moved into place whole, so they see no halves."""
    volume().commit()


def reload() -> None:
    """See what other containers have committed.

    Raises:
        RuntimeError: A file of the Volume is open in this container.
    """
    volume().reload()


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
    return [path for path in found if path.is_file() and not _hidden(path.relative_to(folder))]


def _hidden(path: Path) -> bool:
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
