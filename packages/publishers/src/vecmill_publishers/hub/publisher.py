"""HubPublisher: a dataset repository of the Hub, as a job names it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from vecmill.protocols import Options, Publisher
from vecmill.records import Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from vecmill.records import FileEntry, Manifest, Sent
    from vecmill_publishers.hub.publish_run import Publication
    from vecmill_publishers.hub.remote import Remote


class HubPublisher(Publisher["HubPublisher.Config"]):
    """Publishes a dataset so that its readers see the old one or the new one, and nothing between.

    The token is that of ``HF_TOKEN`` or of ``hf auth login``.
    """

    name = "hub"

    class Config(Options):
        """Where the dataset goes, and what its card says beyond the manifest.

        Attributes:
            repo: ``user/name`` or ``organisation/name``. It is created if need be.
            private: Whether a repo that is created is private.
            branch: The branch that readers read. It is created if need be.
            keep_runs: How many runs stay on the branch, the new one included; every run keeps its tag.
            force: Publish to a repo that holds something else. Its card and ``manifest.json`` are replaced, its
                other files stay.
            readme: A Markdown file with text of your own for the card; without it, what the card has stays.
            vectors: Further configurations with the same rows and smaller vectors.
            from_workers: Whether each worker sends the shards that it makes, with a token of its own, so that the
                driver sends none. The repo is then created before the work.
            license: Identifiers of the text's licences; by default those that the source states.
            language: Codes of the text's languages; by default those that the source states.
            pretty_name: The dataset's name for people.
        """

        repo: str
        private: bool = False
        branch: str = Field("main", min_length=1)
        keep_runs: int = Field(1, ge=1)
        force: bool = False
        readme: str | None = None
        vectors: tuple[Literal["float16", "int8"], ...] = ()
        from_workers: bool = False
        license: Words = ()
        language: Words = ()
        pretty_name: str = ""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._sent: list[Sent] = []

    def check(self) -> None:
        """Find out whether the token may write, and whether the repo is free or holds a dataset of vecmill.

        Raises:
            ConfigError: The repo id or the text of one's own is wrong.
            PublishError: There is no token, it may not write, or the repo holds something else.
        """
        from vecmill_publishers.hub.metadata import read_user_text
        from vecmill_publishers.hub.preflight import check_repo

        read_user_text(self.config)
        check_repo(self._remote, self.config)

    def prepare(self) -> dict[str, Any] | None:
        """Create the repo and its branch if need be, so that workers can send their shards.

        Raises:
            PublishError: It could not be created.
        """
        if not self.config.from_workers:
            return None
        with self._remote.translate_errors():
            self._remote.prepare(self._remote.read_head(), private=self.config.private)
        return {}

    def send(self, dataset: Path, shard: FileEntry, ready: Mapping[str, Any]) -> dict[str, Any]:
        """Send a shard from the worker that made it, with the token that the worker has.

        Nothing shows in the repo before ``publish``, which should follow within hours.

        Raises:
            PublishError: It could not be sent.
        """
        from vecmill_publishers.hub.uploads import upload_shard

        del ready
        return upload_shard(self._remote, self.config.vectors, dataset, shard)

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
