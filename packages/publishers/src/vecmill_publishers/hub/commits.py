"""Commits: files as the Hub's client sends and commits them, in batches."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from huggingface_hub import CommitOperationAdd
from huggingface_hub.lfs import UploadInfo
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)

from vecmill.errors import PublishError
from vecmill_publishers.hub.preuploads import make_variant, split_batches
from vecmill_publishers.hub.retry import find_status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vecmill_publishers.hub.preuploads import PreUploads, Upload
    from vecmill_publishers.hub.remote import Remote


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
