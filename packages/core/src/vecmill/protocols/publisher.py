"""Publisher: delivers a finished dataset."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from vecmill.protocols.component import Component, ConfigT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from vecmill.records import FileEntry, Manifest, RunEvent, Sent


class Publisher(Component[ConfigT]):
    """Takes a finished dataset folder to where its readers are.

    A destination that somebody else has written to is refused. What was published before and is no longer part of the
    dataset is removed. A dataset with a damaged file is refused; ``vecmill.store.check_files`` finds out.
    Readers see the old dataset or the new one. ``vecmill.testing.check_delivery`` tries all of this.

    Attributes:
        report: Called with ``Publishing`` events during a long delivery.
    """

    def __init__(self, config: ConfigT) -> None:
        super().__init__(config)
        self.report: Callable[[RunEvent], None] = _ignore

    def directory(self) -> Path | None:
        """Return the folder in which the dataset is to be made, if this publisher has one on this machine."""
        return None

    def prepare(self) -> dict[str, Any] | None:
        """Get the destination ready for shards that workers send themselves; called in the driver, before the work.

        Returns:
            What ``send`` needs to know, in JSON types and without secrets; ``None`` to have no worker send anything.

        Raises:
            PublishError: It cannot be made ready; no work is begun.
        """
        return None

    def send(self, dataset: Path, shard: FileEntry, ready: Mapping[str, Any]) -> dict[str, Any]:
        """Send a shard from the worker that made it. Readers must not see it before ``publish``.

        Args:
            dataset: The dataset's folder, as the worker sees it.
            shard: The file, below that folder.
            ready: What ``prepare`` returned.

        Returns:
            What ``accept`` needs to know, in JSON types: less than a kilobyte, without secrets.

        Raises:
            PublishError: It could not be sent; it is then left to ``publish``.
        """
        raise NotImplementedError

    def accept(self, sent: Iterable[Sent]) -> None:
        """Take note, before ``publish`` or ``preview``, of what workers sent with a publisher of this name.

        It may be for another destination: an earlier try of the job may have named another. ``publish`` need not send
        these shards again, and should if the destination has lost them.
        """

    def check(self) -> None:
        """Fail now, before the work, if publishing could not succeed later.

        Raises:
            PublishError: No permission, no token, a destination that holds something else.
        """

    def preview(self, dataset: Path, manifest: Manifest) -> Iterator[str]:
        """Yield in lines what ``publish`` would do now, such as ``"write 4 rows to …"``, and change nothing."""
        shards = len(manifest.shards)
        yield f"publish {shards} shard{'s' * (shards != 1)} of {dataset}"

    @abstractmethod
    def publish(self, dataset: Path, manifest: Manifest) -> str:
        """Deliver the dataset and return where it is. Called again after a failure, it goes on where it was.

        Raises:
            PublishError: It could not be delivered; the dataset folder is unharmed.
        """


def _ignore(event: RunEvent) -> None:
    """Do nothing with an event."""
