"""Operation: a file as the Hub's client sends and commits it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from huggingface_hub import CommitOperationAdd
from huggingface_hub.lfs import UploadInfo
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vecmill_publishers.hub.upload import Upload


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
