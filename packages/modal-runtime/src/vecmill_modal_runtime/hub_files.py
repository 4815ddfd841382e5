"""HubFilesSource: the files of a dataset of the Hub, as they lie on the Volume."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from vecmill.protocols import later
from vecmill.sources.files import File, find
from vecmill.sources.fingerprint import fingerprint
from vecmill.sources.parquet import ParquetSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vecmill.records import Terms


class HubFilesSource(ParquetSource):
    """Stands in for ``hub`` on Modal, not for job files: the same documents, and no request to it for each shard.

    The manifest and the card say which dataset it was, at which commit.
    """

    name = "hub-files"
    Config = later("vecmill_modal_runtime.hub_files_config:HubFilesConfig")

    def terms(self) -> Terms:
        """Return what the dataset's card says, or what the job says."""
        from vecmill.sources.hub import HubSource

        return HubSource(HubSource.Config(**self.config.model_dump(exclude={"path"}))).terms()

    def fingerprint(self) -> str:
        """Hash the commit and the options that choose from it: the files need not be read for it."""
        return fingerprint(self, self.config, content=None)

    @cached_property
    def files(self) -> Sequence[File]:
        """Its files, in order."""
        return [_Kept(file.path, file.name) for file in find(self.config.path, self.suffixes)]


class _Kept(File):
    """A file that every container knows by its name and size: its folder is that of a commit, which does not change."""

    @property
    def identity(self) -> tuple[str | int, ...]:
        return self.name, self.stamp.size
