"""Publishing a run: from a branch as it was seen to one that shows the new dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vecmill.errors import PublishError
from vecmill.records import Publishing
from vecmill.store import refuse_clash
from vecmill_publishers.hub.metadata import RepoMetadata, find_runs
from vecmill_publishers.hub.preflight import refuse_others
from vecmill_publishers.hub.remote import Head, Stored
from vecmill_publishers.hub.retry import retry_call
from vecmill_publishers.hub.uploads import BatchCommitter, PreUploads, Upload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from vecmill.records import Manifest, RunEvent, Sent
    from vecmill_publishers.hub.publisher import HubPublisher
    from vecmill_publishers.hub.remote import Remote


class State(NamedTuple):
    """A head, and its files by path; no head if there is no such repo yet."""

    head: Head | None
    files: dict[str, Stored]

    @property
    def sha(self) -> str:
        """The commit; empty if there is no such branch yet."""
        return self.head.sha if self.head else ""


SHOWN = 3


class Publication:
    """Sends what the repo lacks into a folder that no reader reads, then switches the card to that folder.

    Attributes:
        name: The run's folder and tag: other content, another name, so what readers read is never written to.
        uploads: The files of the run.
        metadata: The card and the manifest as the repo shows them.
        pre_uploads: What workers have sent.
    """

    def __init__(
        self,
        options: HubPublisher.Config,
        remote: Remote,
        dataset: Path,
        manifest: Manifest,
        report: Callable[[RunEvent], None],
        sent: Iterable[Sent] = (),
    ) -> None:
        self.options, self.remote = options, remote
        self._report = report
        if manifest.status != "complete":
            raise PublishError(
                f"{dataset} is of a run that failed: finish it with `vecmill run` before it is published"
            )
        self.metadata = RepoMetadata(options, remote, manifest)
        self.name = self.metadata.name
        entries = [*manifest.shards, *([manifest.quarantine] if manifest.quarantine else [])]
        self.uploads = [Upload.of(dataset, entry, self.metadata.folder) for entry in entries]
        for variant in options.vectors:
            refuse_clash(manifest.columns, variant)
            self.uploads += [Upload.of(dataset, entry, self.metadata.folder, variant) for entry in manifest.shards]
        self.pre_uploads = PreUploads(remote.url, sent)
        self._committer = BatchCommitter(remote, self.name, self.pre_uploads, self._is_committed)

    def run(self) -> str:
        """Publish, and return the address of the dataset."""
        with self.remote.translate_errors():
            state = self.begin()
            if missing := self.list_missing(state):
                self._deliver(missing)
            self._tag(self._switch(None if missing else state))
        return self.remote.url

    def read_state(self) -> State:
        """Read what is in the repo now.

        Raises:
            PublishError: It holds something else.
        """
        head = self.remote.read_head()
        if head is None or not head.sha:
            return State(head, {})
        state = State(head, self.remote.list_files(head.sha))
        refuse_others(self.remote, state.sha, state.files, self.options)
        return state

    def begin(self) -> State:
        """Return what is in the repo now, creating it if need be; nothing is created if a file is damaged."""
        state = self.read_state()
        self._committer.check(self.list_missing(state))
        if state.sha:
            return state
        self.remote.prepare(state.head, private=self.options.private)
        return self.read_state()

    def list_missing(self, state: State) -> list[Upload]:
        """Return the files that the repo lacks."""
        return [upload for upload in self.uploads if not upload.has_arrived(state.files)]

    def _deliver(self, uploads: list[Upload]) -> None:
        total = sum(upload.bytes for upload in self.uploads)
        done = total - sum(upload.bytes for upload in uploads)

        def report_sent(count: int) -> None:
            self._report(Publishing(self.remote.url, done + count, total))

        report_sent(0)
        size = {upload.path: upload.bytes for upload in uploads}
        for batch in self._committer.deliver(uploads, report_sent):
            known = {upload.path: upload for upload in batch}
            self.uploads = [known.get(upload.path, upload) for upload in self.uploads]
            # A variant counts as large as its shard: how small it is, is known too late.
            done += sum(size[path] for path in known)
        report_sent(0)

    def _is_committed(self, batch: list[Upload]) -> bool:
        state = self.read_state()
        return all(upload.has_arrived(state.files) for upload in batch)

    def _switch(self, known: State | None) -> State:
        """Switch readers to the run, in one commit on top of a commit that was seen to hold all of it."""

        def act() -> State:
            nonlocal known
            state, known = known or self.read_state(), None
            self._compare(state)
            change = self.metadata.plan_change(state.sha, state.files, self._list_paths())
            if not change.needed:
                return state
            sha = self.remote.commit_change(change.texts, change.gone, f"Switch to {self.name}", state.sha)
            return State(Head(sha, private=False), self.remote.list_files(sha))

        state = retry_call(act)
        self._compare(state)
        return state

    def _compare(self, state: State) -> None:
        """Compare size and sha256 of every file with the manifest.

        Raises:
            PublishError: Some are missing: somebody removed or replaced them.
        """
        if missing := self.list_missing(state):
            names = ", ".join(upload.path for upload in missing[:SHOWN])
            raise PublishError(
                f"{len(missing)} of {len(self.uploads)} files are not in {self.remote.id} as they were sent ({names}): "
                "readers see what they saw before. Publish again to send them once more"
            )

    def _tag(self, state: State) -> None:
        if self.name not in self.remote.list_tags():
            self.remote.tag(self.name, state.sha)

    def _list_paths(self) -> frozenset[str]:
        return frozenset(upload.path for upload in self.uploads)


MEGA = 1e6


def preview(publication: Publication) -> Iterator[str]:
    """Yield a line for each thing that would be done; the repo is read and not changed."""
    remote, options = publication.remote, publication.options
    with remote.translate_errors():
        state = publication.read_state()
        if state.head is None:
            yield f"create {remote.url}, {'private' if options.private else 'public'}"
        elif not state.sha:
            yield f"create the branch {remote.branch} of {remote.url}"
        missing = publication.list_missing(state)
        for upload in missing:
            how = "commit what a worker sent:" if publication.pre_uploads.find_upload(upload) else "send"
            yield f"{how} {upload.path}, {upload.bytes / MEGA:,.1f} MB"
        if present := len(publication.uploads) - len(missing):
            yield f"{present} of {len(publication.uploads)} files are there already"
        old = sorted(find_runs(state.files) - {publication.name})
        yield f"switch README.md and manifest.json of {remote.branch} to {publication.name}"
        yield from (f"remove data/{run}, if it is not among the newest {options.keep_runs}" for run in old)
        yield f"tag {publication.name}"
