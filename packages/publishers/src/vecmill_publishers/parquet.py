"""The ``parquet`` publisher: a folder on this machine."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from vecmill.errors import PublishError
from vecmill.expand import expanded
from vecmill.protocols import Publisher, later

if TYPE_CHECKING:
    from pathlib import Path

    from vecmill.records import Manifest
    from vecmill_publishers.parquet_options import ParquetOptions


class ParquetPublisher(Publisher["ParquetOptions"]):
    """Leaves the dataset in a folder. The first one in a job is where the dataset is made: nothing is copied."""

    name = "parquet"
    Config = later("vecmill_publishers.parquet_options:ParquetOptions")

    def directory(self) -> Path:
        """Return the folder."""
        return expanded(self.config.path)

    def publish(self, dataset: Path, manifest: Manifest) -> str:
        """Copy the dataset to the folder, unless it is there; the manifest goes last.

        Raises:
            PublishError: A file could not be copied.
        """
        target = self.directory().absolute()
        if target != dataset.absolute():
            entries = [*manifest.shards, *([manifest.quarantine] if manifest.quarantine else [])]
            for name in [*(entry.path for entry in entries), "README.md", "manifest.json"]:
                _copy(dataset / name, target / name)
        return str(target)


def _copy(source: Path, target: Path) -> None:
    """Copy a file so that it is there whole or not at all."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, partial)
        partial.replace(target)
    except OSError as error:
        raise PublishError(f"cannot copy {source.name} to {target}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
