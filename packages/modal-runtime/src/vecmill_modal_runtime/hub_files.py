"""HubFilesSource: the files of a dataset of the Hub, as they lie on the Volume."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from vecmill.files import LocalFile
from vecmill.sources import FilesSource, HubSource, fingerprint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vecmill.files import File
    from vecmill.records import Terms


class HubFilesSource(FilesSource["HubFilesSource.Config"]):
    """Stands in for ``hub`` on Modal, not for job files: the same documents, and no request to it for each shard.

    The manifest and the card state which dataset it was, at which commit.
    """

    name = "hub-files"
    format = "vecmill.sources.parquet:ParquetFormat"

    class Config(FilesSource.Config):
        """Options of files that were downloaded from the Hub.

        Attributes:
            repo: The dataset.
            config: Its configuration, if it has several.
            split: Its split.
            revision: The commit.
        """

        repo: str
        config: str | None = None
        split: str = "train"
        revision: str

    def terms(self) -> Terms:
        """Return what the dataset's card states, or what the job states."""
        return HubSource(HubSource.Config(**self.config.model_dump(exclude={"path"}))).terms()

    def fingerprint(self) -> str:
        """Hash the commit and the options that choose from it: the files need not be read for it."""
        return fingerprint(self, self.config, content=None)

    @cached_property
    def files(self) -> Sequence[File]:
        """Its files, in order."""
        return [_VolumeFile(file.path, file.name) for file in super().files if isinstance(file, LocalFile)]


class _VolumeFile(LocalFile):
    """A file that every container knows by its name and size: its folder is that of a commit, which does not change."""

    @property
    def identity(self) -> tuple[str | int, ...]:
        return self.name, self.size
