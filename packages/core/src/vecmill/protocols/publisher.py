"""Publisher: delivers a finished dataset."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from vecmill.protocols.component import Component, ConfigT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vecmill.records import Manifest, RunEvent


class Publisher(Component[ConfigT]):
    """Takes a finished, verified dataset folder to where its readers are.

    Attributes:
        report: Told of ``Publishing`` while a long delivery goes on.
    """

    def __init__(self, config: ConfigT) -> None:
        super().__init__(config)
        self.report: Callable[[RunEvent], None] = _ignore

    def directory(self) -> Path | None:
        """Return the folder in which this publisher wants the dataset made, if it is one on this machine."""
        return None

    def check(self) -> None:
        """Fail now, before the work, if publishing could not succeed later.

        Raises:
            PublishError: No permission, no token, a place that holds something else.
        """

    def preview(self, dataset: Path, manifest: Manifest) -> Iterator[str]:
        """Yield in lines what ``publish`` would do now, and change nothing."""
        yield f"{len(manifest.shards)} shards of {dataset}"

    @abstractmethod
    def publish(self, dataset: Path, manifest: Manifest) -> str:
        """Deliver the dataset and return where it is. Called again after a failure, it goes on where it was.

        Raises:
            PublishError: It could not be delivered; the dataset folder is unharmed.
        """


def _ignore(event: RunEvent) -> None:
    """Nobody is listening."""
