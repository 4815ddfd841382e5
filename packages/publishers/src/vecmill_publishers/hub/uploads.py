"""Uploads: files of a dataset on their way to the repository, sent by workers or here, and committed in batches."""

from __future__ import annotations

import contextlib
import re
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
from huggingface_hub import CommitOperationAdd
from huggingface_hub.lfs import UploadInfo
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)

from vecmill.errors import PublishError
from vecmill.store import Layout, parquet_file, sha256, shrink_vectors
from vecmill_publishers.hub.retry import find_status, refuse_to_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from vecmill.records import FileEntry, Sent
    from vecmill_publishers.hub.remote import Remote, Stored


FILES_PER_COMMIT = 50
"""The Hub takes 50 to 100 before a commit times out."""
GROUP_BYTES = 512 << 20
"""Sent at the same time; one call of the client for each group keeps requests few and progress visible."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file, and where it goes.

    Attributes:
        local: The file on this machine; it may be missing if a worker sent it.
        path: Its path in the repo.
        variant: The kind of vectors that are to be made of those in the file; empty if it is sent as it is.
        sent: Whether the Hub has its bytes, and lacks the commit alone.
    """

    local: Path
    path: str
    bytes: int
    sha256: str
    variant: str = ""
    sent: bool = False

    @classmethod
    def of(cls, dataset: Path, entry: FileEntry, folder: str, variant: str = "") -> Upload:
        """Make one of a file of the manifest."""
        name = entry.path.rsplit("/", 1)[-1]
        path = f"{folder}/{variant}/{name}" if variant else f"{folder}/{name}"
        return cls(dataset / entry.path, path, entry.bytes, entry.sha256, variant)

    def has_arrived(self, files: dict[str, Stored]) -> bool:
        """Whether the repo has this very file.

        The content of a variant is known when it is made; before that, its presence is enough: the folder's name says
        of which shards it is made, and a commit adds all of a file or nothing.
        """
        found = files.get(self.path)
        if found is None or found.sha256 is None:
            return False
        return bool(self.variant) or (found.size, found.sha256) == (self.bytes, self.sha256)

    def is_intact(self) -> bool:
        """Whether the file on this machine is what the manifest says."""
        return self.local.is_file() and self.local.stat().st_size == self.bytes and sha256(self.local) == self.sha256


def split_batches(uploads: Iterable[Upload]) -> Iterator[list[Upload]]:
    """Split into what one commit takes."""
    waiting = list(uploads)
    for start in range(0, len(waiting), FILES_PER_COMMIT):
        yield waiting[start : start + FILES_PER_COMMIT]


def split_groups(uploads: Iterable[Upload]) -> Iterator[list[Upload]]:
    """Split into what is sent at the same time."""
    group: list[Upload] = []
    for upload in uploads:
        if group and sum(other.bytes for other in group) + upload.bytes > GROUP_BYTES:
            yield group
            group = []
        group.append(upload)
    if group:
        yield group


def make_variant(upload: Upload, folder: Path) -> Upload:
    """Make the file of a variant in a folder; other files are what they are."""
    if not upload.variant:
        return upload
    target = folder / upload.variant / upload.local.name
    source = pq.ParquetFile(upload.local)
    schema = shrink_vectors(source.schema_arrow.empty_table(), upload.variant).schema
    with parquet_file(Layout(folder), target, schema) as parquet:
        for group in range(source.num_row_groups):
            parquet.write(shrink_vectors(source.read_row_group(group), upload.variant))
    entry = parquet.file_entry()
    return replace(upload, local=target, bytes=entry.bytes, sha256=entry.sha256, variant="")


SHA256 = re.compile(r"[0-9a-f]{64}")
ANYWHERE = "data"
"""Bytes are sent by their hash; the commit says which path they get."""


def upload_shard(remote: Remote, variants: Sequence[str], dataset: Path, shard: FileEntry) -> dict[str, Any]:
    """Send a shard and its variants from the machine it is on, and return a note of it for the driver.

    Raises:
        PublishError: It could not be sent, or not at once; the driver sends it after the work.
    """
    if not (dataset / shard.path).is_file():
        raise PublishError(f"{shard.path} cannot be sent to {remote.id}: there is no such file in {dataset}")
    with tempfile.TemporaryDirectory(prefix="vecmill-") as folder, remote.translate_errors():
        shard_upload = Upload.of(dataset, shard, ANYWHERE)
        smaller = {name: make_variant(Upload.of(dataset, shard, ANYWHERE, name), Path(folder)) for name in variants}
        with refuse_to_wait():
            remote.send([shard_upload, *smaller.values()], lambda _: None)
    return {"to": remote.url, "variants": {name: [file.bytes, file.sha256] for name, file in smaller.items()}}


class PreUploads:
    """What workers have sent to one repo, uploaded and not committed.

    Args:
        url: The repo's address.
        sent: The workers' notes, those of other repos included.
    """

    def __init__(self, url: str, sent: Iterable[Sent]) -> None:
        self._notes = {each.sha256: each.note for each in sent if each.note.get("to") == url}

    def find_upload(self, upload: Upload) -> Upload | None:
        """Return a file as a worker sent it; ``None`` if none has."""
        note = self._notes.get(upload.sha256)
        if note is None:
            return None
        if not upload.variant:
            return replace(upload, sent=True)
        match note.get("variants"):
            case {upload.variant: [int(size), str(sha256)]} if size >= 0 and SHA256.fullmatch(sha256):
                return replace(upload, bytes=size, sha256=sha256, variant="", sent=True)
        return None  # the note is damaged: the file is sent again


def make_operation(upload: Upload) -> CommitOperationAdd:
    """Return what adds a file; its hash is known, and the client need not read the file for it."""
    sha256 = bytes.fromhex(upload.sha256)
    if not upload.sent:
        made = CommitOperationAdd(upload.path, str(upload.local))
        made.upload_info.sha256 = sha256
        return made
    made = CommitOperationAdd(upload.path, b"")
    made.upload_info = UploadInfo(size=upload.bytes, sample=b"", sha256=sha256)
    # The client's own marks of a file that was sent; it has no other way to commit one from its hash.
    made._upload_mode = "lfs"  # noqa: SLF001
    made._is_uploaded = True  # noqa: SLF001
    made._should_ignore = False  # noqa: SLF001
    return made


@contextlib.contextmanager
def hide_progress_bars() -> Iterator[None]:
    """Hide the client's own progress bars: vecmill reports progress as events."""
    if are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


SHOWN = 3
REFUSED = frozenset({400, 422})
"""What the Hub answers to a commit of bytes that it does not have, or no longer."""


class BatchCommitter:
    """Sends and commits files, one batch after the other; what workers have sent is only committed.

    Args:
        remote: Where they go.
        name: What they are, for the commits' messages.
        pre_uploads: What workers have sent.
        is_committed: Whether the branch has these files.
    """

    def __init__(
        self, remote: Remote, name: str, pre_uploads: PreUploads, is_committed: Callable[[list[Upload]], bool]
    ) -> None:
        self._remote, self._name = remote, name
        self._pre_uploads, self._is_committed = pre_uploads, is_committed

    def check(self, uploads: list[Upload]) -> None:
        """Refuse to begin with files that are missing or damaged.

        Raises:
            PublishError: Some are missing or changed, and no worker has sent them.
        """
        self._check_intact([upload for upload in uploads if not self._pre_uploads.find_upload(upload)])

    def deliver(self, uploads: list[Upload], report_sent: Callable[[int], None]) -> Iterator[list[Upload]]:
        """Send files and commit them, and yield each batch of them as it was committed.

        Args:
            uploads: What the repo lacks.
            report_sent: Called with the number of bytes of a batch that were sent.
        """
        for batch in split_batches(uploads):
            with tempfile.TemporaryDirectory(prefix="vecmill-") as folder:
                yield self._batch(batch, Path(folder), report_sent)

    def _batch(self, batch: list[Upload], folder: Path, report_sent: Callable[[int], None]) -> list[Upload]:
        ready = [self._pre_uploads.find_upload(upload) or make_variant(upload, folder) for upload in batch]
        try:
            self._add(ready, report_sent)
        except Exception as error:
            if find_status(error) not in REFUSED or not any(upload.sent for upload in ready):
                raise
            # The Hub may delete bytes that nobody commits, and a worker may have sent these long ago.
            self._check_intact([upload for upload, done in zip(batch, ready, strict=True) if done.sent])
            ready = [make_variant(upload, folder) for upload in batch]
            self._add(ready, report_sent)
        return ready

    def _add(self, batch: list[Upload], report_sent: Callable[[int], None]) -> None:
        operations = self._remote.send(batch, report_sent)
        self._remote.commit_files(
            operations, f"Add {len(batch)} files of {self._name}", lambda: self._is_committed(batch)
        )

    def _check_intact(self, uploads: list[Upload]) -> None:
        # A variant is made of the file of its shard, which is sent as well.
        files = {upload.local: upload for upload in uploads}
        damaged = [path for path, upload in files.items() if not upload.is_intact()]
        if damaged:
            names = ", ".join(path.name for path in damaged[:SHOWN])
            raise PublishError(
                f"{len(damaged)} of {len(files)} files are missing or not what the manifest says ({names}): "
                "nothing was sent. `vecmill verify` says more, `vecmill run` with the job makes them again"
            )
