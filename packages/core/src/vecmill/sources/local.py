"""LocalSource: what sources that read files of this machine have in common."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from vecmill.protocols import Source, later
from vecmill.sources.find import find
from vecmill.sources.fingerprint import STATEMENTS, contents, fingerprint
from vecmill.sources.stretch import Stretch, plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vecmill.records import Partition, Terms
    from vecmill.sources.balance import Unit
    from vecmill.sources.config import FilesConfig
    from vecmill.sources.files import File

FilesConfigT = TypeVar("FilesConfigT", bound="FilesConfig")


class LocalSource(Source[FilesConfigT]):
    """A source that reads files.

    Attributes:
        suffixes: How the names of its files end, in a folder.
    """

    Config = later("vecmill.sources.config:FilesConfig")
    location = frozenset({"path"}) | STATEMENTS
    suffixes: ClassVar[tuple[str, ...]]

    @cached_property
    def files(self) -> Sequence[File]:
        """Its files, in order."""
        return find(self.config.path, self.suffixes)

    def terms(self) -> Terms:
        """Return what the job says."""
        from vecmill.records import Terms

        return Terms(license=self.config.license, language=self.config.language)

    def fingerprint(self) -> str:
        """Hash the files' names and bytes, and the options that choose among them."""
        return fingerprint(self, self.config, contents(self.files))

    def partitions(self, target_bytes: int) -> Iterator[Partition]:
        """Split the files, in order."""
        return plan(self.files, self._units(target_bytes), target_bytes, self._extra())

    def renew(self, partition: Partition) -> Partition:
        """Look at a partition's files as they are now."""
        stretch = Stretch.of(partition)
        found = stretch.renewed(self.files, self._places.get(stretch.first, 0))
        return partition.model_copy(update={"seen": found})

    @cached_property
    def _places(self) -> dict[str, int]:
        """Where each file is in the list, by name."""
        return {file.name: place for place, file in enumerate(self.files)}

    @abstractmethod
    def _units(self, target_bytes: int) -> Iterator[Unit]:
        """Yield the files' units, in order, up to the limit."""

    def _extra(self) -> dict[str, Any]:
        """Return what else a worker must know to read any partition; small, JSON only."""
        return {}
