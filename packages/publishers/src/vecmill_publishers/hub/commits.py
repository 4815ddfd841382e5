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
from vecmill_publishers.hub.preuploads import batches
from vecmill_publishers.hub.retry import status
from vecmill_publishers.hub.variants import make_variant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vecmill_publishers.hub.preuploads import PreUploads, Upload
    from vecmill_publishers.hub.remote import Remote


def operation(upload: Upload) -> CommitOperationAdd:
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
def silent() -> Iterator[None]:
    """Keep the client's own bars away: progress is reported, and shown by whoever listens."""
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


class CommitBatch:
    """Sends and commits files; what workers have sent is committed alone.

    Args:
        remote: Where they go.
        name: What they are, for the commits' messages.
        shipments: What workers have sent.
        landed: Whether the branch has these files.
    """

    def __init__(
        self, remote: Remote, name: str, pre_uploads: PreUploads, has_committed: Callable[[list[Upload]], bool]
    ) -> None:
        self._remote, self._name = remote, name
        self._pre_uploads, self._has_committed = pre_uploads, has_committed

    def check(self, uploads: list[Upload]) -> None:
        """Refuse to begin with files that are not sound.

        Raises:
            PublishError: Some are missing or changed, and no worker has sent them.
        """
        self._sound([upload for upload in uploads if not self._pre_uploads.find_settled(upload)])

    def deliver(self, uploads: list[Upload], sent: Callable[[int], None]) -> Iterator[list[Upload]]:
        """Send files and commit them, and yield each batch of them as it was committed.

        Args:
            uploads: What the repo lacks.
            sent: Told how many bytes of a batch are through.
        """
        for batch in batches(uploads):
            with tempfile.TemporaryDirectory(prefix="vecmill-") as folder:
                yield self._batch(batch, Path(folder), sent)

    def _batch(self, batch: list[Upload], folder: Path, sent: Callable[[int], None]) -> list[Upload]:
        ready = [self._pre_uploads.find_settled(upload) or make_variant(upload, folder) for upload in batch]
        try:
            self._add(ready, sent)
        except Exception as error:
            if status(error) not in REFUSED or not any(upload.sent for upload in ready):
                raise
            # What nobody commits the Hub may throw away after a while, and a worker may have sent it long ago.
            self._sound([upload for upload, done in zip(batch, ready, strict=True) if done.sent])
            ready = [make_variant(upload, folder) for upload in batch]
            self._add(ready, sent)
        return ready

    def _add(self, batch: list[Upload], sent: Callable[[int], None]) -> None:
        operations = self._remote.send(batch, sent)
        self._remote.add(operations, f"Add {len(batch)} files of {self._name}", lambda: self._has_committed(batch))

    def _sound(self, uploads: list[Upload]) -> None:
        # A variant is made of the very file that is sent beside it.
        files = {upload.local: upload for upload in uploads}
        faults = [path for path, upload in files.items() if not upload.intact()]
        if faults:
            names = ", ".join(path.name for path in faults[:SHOWN])
            raise PublishError(
                f"{len(faults)} of {len(files)} files are missing or not what the manifest says ({names}): "
                "nothing was sent. `vecmill verify` tells more, and `vecmill run` with the job makes them again"
            )
