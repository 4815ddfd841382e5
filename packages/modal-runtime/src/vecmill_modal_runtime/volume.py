"""Volume: where sources, weights and datasets are, the same path in every container."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import modal

if TYPE_CHECKING:
    from collections.abc import Mapping

MOUNT = Path("/mnt/vecmill")
"""Where the Volume is in a container."""
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


def upload(files: Mapping[Path, str], name: str | None = None) -> None:
    """Put files of this machine on the Volume, from outside of any container.

    Args:
        files: The path on the Volume of each.
        name: The Volume's name.
    """
    with volume(name).batch_upload(force=True) as batch:
        for path, target in files.items():
            batch.put_file(path, target)
