"""The ``parquet`` publisher: a folder on this machine."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from vecmill.errors import PublishError, StoreError
from vecmill.protocols import Options, Publisher
from vecmill.sanitize import expand_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vecmill.records import Manifest
    from vecmill.store import Mirror


class ParquetPublisher(Publisher["ParquetPublisher.Config"]):
    """Leaves the dataset in a folder. The first one in a job is where the dataset is made: nothing is copied."""

    name = "parquet"

    class Config(Options):
        """Where the dataset goes.

        Attributes:
            path: A folder; ``~`` is the home folder. It is made if need be.
            force: Replace another dataset of vecmill's that is in the folder. What vecmill did not write stays.
        """

        path: str
        force: bool = False

    def directory(self) -> Path:
        """Return the folder."""
        return expand_path(self.config.path)

    def check(self) -> None:
        """Find out whether the folder can be written, and whether it is free or holds a dataset of vecmill.

        Raises:
            PublishError: It is not.
        """
        from vecmill.store import Layout, check_folder

        with _delivering():
            check_folder(Layout(self.directory().absolute()))

    def preview(self, dataset: Path, manifest: Manifest) -> Iterator[str]:
        """Yield what would be written and removed."""
        with _delivering():
            yield from self._mirror.preview(dataset, manifest)

    def publish(self, dataset: Path, manifest: Manifest) -> str:
        """Make the folder a copy of the dataset, unless it is there; the manifest goes last.

        Raises:
            PublishError: The folder holds something else, a file is damaged, or one could not be copied.
        """
        from vecmill.store import is_same_folder

        target = self.directory().absolute()
        with _delivering():
            if not is_same_folder(dataset, target):
                self._mirror.receive(dataset, manifest, self._report_bytes)
        return str(target)

    def _report_bytes(self, done: int, total: int) -> None:
        from vecmill.records import Publishing

        self.report(Publishing(str(self.directory().absolute()), done, total))

    @property
    def _mirror(self) -> Mirror:
        from vecmill.store import Mirror

        return Mirror(self.directory().absolute(), force=self.config.force)


@contextlib.contextmanager
def _delivering() -> Iterator[None]:
    """Raise what keeps a folder from being used as what keeps a dataset from being delivered."""
    try:
        yield
    except StoreError as error:
        raise PublishError(str(error)) from error
