"""Shipment: shards that workers send, each its own, and that the driver commits without their bytes."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vecmill.errors import PublishError
from vecmill_publishers.hub.impatience import refuse_to_wait
from vecmill_publishers.hub.upload import Upload
from vecmill_publishers.hub.variants import made

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vecmill.records import FileEntry, Sent
    from vecmill_publishers.hub.remote import Remote

SHA256 = re.compile(r"[0-9a-f]{64}")
ANYWHERE = "data"
"""Bytes are sent by their hash; where they go is said when they are committed."""


def ship(remote: Remote, variants: Sequence[str], dataset: Path, shard: FileEntry) -> dict[str, Any]:
    """Send a shard and its variants from the machine it is on, and return a note of it for the driver.

    Raises:
        PublishError: It could not be sent, or not at once: the driver sends it when the work is done.
    """
    if not (dataset / shard.path).is_file():
        raise PublishError(f"{shard.path} cannot be sent to {remote.id}: there is no such file in {dataset}")
    with tempfile.TemporaryDirectory(prefix="vecmill-") as folder, remote.understood():
        whole = Upload.of(dataset, shard, ANYWHERE)
        smaller = {name: made(Upload.of(dataset, shard, ANYWHERE, name), Path(folder)) for name in variants}
        with refuse_to_wait():
            remote.send([whole, *smaller.values()], lambda _: None)
    return {"to": remote.url, "variants": {name: [file.bytes, file.sha256] for name, file in smaller.items()}}


class Shipments:
    """What workers have sent to one repo.

    Args:
        url: The repo's address.
        sent: What they say; of other repos too.
    """

    def __init__(self, url: str, sent: Iterable[Sent]) -> None:
        self._notes = {each.sha256: each.note for each in sent if each.note.get("to") == url}

    def settled(self, upload: Upload) -> Upload | None:
        """Return a file as a worker sent it; ``None`` if none has."""
        note = self._notes.get(upload.sha256)
        if note is None:
            return None
        if not upload.variant:
            return replace(upload, sent=True)
        match note.get("variants"):
            case {upload.variant: [int(size), str(sha256)]} if size >= 0 and SHA256.fullmatch(sha256):
                return replace(upload, bytes=size, sha256=sha256, variant="", sent=True)
        return None  # as it is of a note that is damaged: what was sent is sent again
