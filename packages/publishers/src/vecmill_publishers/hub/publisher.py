"""HubPublisher: what a job names; the work is in modules that are imported when there is work."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from vecmill.protocols import Publisher, later

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from vecmill.records import FileEntry, Manifest, Sent
    from vecmill_publishers.hub.options import HubOptions
    from vecmill_publishers.hub.publish_run import Publication
    from vecmill_publishers.hub.remote import Remote


class HubPublisher(Publisher["HubOptions"]):
    """Publishes a dataset so that its readers see the old one or the new one, and nothing between.

    The token is that of ``HF_TOKEN`` or of ``hf auth login``.
    """

    name = "hub"
    Config = later("vecmill_publishers.hub.options:HubOptions")

    def __init__(self, config: HubOptions) -> None:
        super().__init__(config)
        self._sent: list[Sent] = []

    def check(self) -> None:
        """Find out whether the token may write, and whether the repo is free or holds a dataset of vecmill.

        Raises:
            ConfigError: The repo id or the text of one's own is wrong.
            PublishError: There is no token, it may not write, or the repo holds something else.
        """
        from vecmill_publishers.hub.metadata import own_text
        from vecmill_publishers.hub.preflight import admit

        own_text(self.config)
        admit(self._remote, self.config)

    def prepare(self) -> dict[str, Any] | None:
        """Create the repo and its branch if need be, so that workers can send their shards.

        Raises:
            PublishError: It could not be created.
        """
        if not self.config.from_workers:
            return None
        with self._remote.translate_errors():
            self._remote.prepare(self._remote.head(), private=self.config.private)
        return {}

    def send(self, dataset: Path, shard: FileEntry, ready: Mapping[str, Any]) -> dict[str, Any]:
        """Send a shard from the worker that made it, with the token that the worker has.

        Nothing shows in the repo before ``publish``, which should follow within hours.

        Raises:
            PublishError: It could not be sent.
        """
        from vecmill_publishers.hub.preuploads import ship

        del ready
        return ship(self._remote, self.config.vectors, dataset, shard)

    def accept(self, sent: Iterable[Sent]) -> None:
        """Take note of shards that workers have sent: ``publish`` commits them without their bytes."""
        self._sent += sent

    def preview(self, dataset: Path, manifest: Manifest) -> Iterator[str]:
        """Yield what would be sent."""
        from vecmill_publishers.hub.publish_run import preview

        return preview(self._publication(dataset, manifest))

    def publish(self, dataset: Path, manifest: Manifest) -> str:
        """Send what the repo lacks, switch its readers to it, check it, tag it, and return its address.

        Raises:
            PublishError: It could not be delivered; readers see what they saw before.
        """
        return self._publication(dataset, manifest).run()

    def _publication(self, dataset: Path, manifest: Manifest) -> Publication:
        from vecmill_publishers.hub.publish_run import Publication

        return Publication(self.config, self._remote, dataset, manifest, self.report, self._sent)

    @cached_property
    def _remote(self) -> Remote:
        from vecmill_publishers.hub.remote import Remote

        return Remote(self.config.repo, self.config.branch)
