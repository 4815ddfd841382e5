"""HubPublisher: what a job names; the work is in modules that are imported when there is work."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from vecmill.errors import PublishError
from vecmill.protocols import Publisher
from vecmill_publishers.hub.options import HubOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from vecmill.records import FileEntry, Manifest
    from vecmill_publishers.hub.remote import Remote


class HubPublisher(Publisher[HubOptions]):
    """Publishes a dataset so that its readers see the old one or the new one, and nothing between.

    The token is that of ``HF_TOKEN`` or of ``hf auth login``.
    """

    name = "hub"
    Config = HubOptions

    def __init__(self, config: HubOptions) -> None:
        super().__init__(config)
        self._sent: list[FileEntry] = []

    def check(self) -> None:
        """Find out whether the token may write, and whether the repo is free or holds a dataset of vecmill.

        Raises:
            ConfigError: The repo id or the text of one's own is wrong.
            PublishError: There is no token, it may not write, or the repo holds something else.
        """
        from vecmill_publishers.hub.admission import admit
        from vecmill_publishers.hub.cover import own_text

        own_text(self.config)
        admit(self._remote, self.config)

    def preview(self, dataset: Path, manifest: Manifest) -> Iterator[str]:
        """Yield what would be sent."""
        from vecmill_publishers.hub.preview import preview
        from vecmill_publishers.hub.publication import Publication

        return preview(Publication(self.config, self._remote, dataset, manifest, self.report))

    def publish(self, dataset: Path, manifest: Manifest) -> str:
        """Send what the repo lacks, switch its readers to it, check it, tag it, and return its address.

        Raises:
            PublishError: It could not be delivered; readers see what they saw before.
        """
        from vecmill_publishers.hub.publication import Publication

        sent = frozenset(entry.sha256 for entry in self._sent)
        return Publication(self.config, self._remote, dataset, manifest, self.report, sent).run()

    def prepare(self) -> None:
        """Create the repo and its branch if need be, so that workers can send their shards.

        Raises:
            PublishError: It could not be created.
        """
        with self._remote.understood():
            self._remote.prepare(self._remote.head(), private=self.config.private)

    def send(self, dataset: Path, entries: Iterable[FileEntry]) -> None:
        """Send shards from the machine they are on, so that ``publish`` can do without their files.

        Nothing shows in the repo before ``publish``, which should follow within hours.

        Raises:
            PublishError: They could not be sent.
        """
        from vecmill_publishers.hub.upload import Upload

        uploads = [Upload.of(dataset, entry, "sent") for entry in entries]
        if gone := [upload.local.name for upload in uploads if not upload.here]:
            raise PublishError(f"{', '.join(gone)} cannot be sent: there is no such file in {dataset}")
        with self._remote.understood():
            self._remote.send(uploads, lambda _: None)

    def accept(self, entries: Iterable[FileEntry]) -> None:
        """Take note of shards that workers have sent: ``publish`` commits them without their files."""
        self._sent += entries

    @cached_property
    def _remote(self) -> Remote:
        from vecmill_publishers.hub.remote import Remote

        return Remote(self.config.repo, self.config.branch)
