"""Publisher: delivers a finished dataset."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from vecmill.protocols.component import Component, ConfigT

if TYPE_CHECKING:
    from pathlib import Path

    from vecmill.records import Manifest


class Publisher(Component[ConfigT]):
    """Takes a finished, verified dataset folder to where its readers are."""

    def directory(self) -> Path | None:
        """Return the folder in which this publisher wants the dataset made, if it is one on this machine."""
        return None

    def check(self) -> None:
        """Fail now, before the work, if publishing could not succeed later.

        Raises:
            PublishError: No permission, no token, a place that holds something else.
        """

    @abstractmethod
    def publish(self, dataset: Path, manifest: Manifest) -> str:
        """Deliver the dataset and return where it is. Called again after a failure, it goes on where it was.

        Raises:
            PublishError: It could not be delivered; the dataset folder is unharmed.
        """
