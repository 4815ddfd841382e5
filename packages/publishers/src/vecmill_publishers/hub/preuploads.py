"""Pre-uploads: files of the dataset on their way to the repository, before they are committed."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vecmill.errors import PublishError
from vecmill.store.files import sha256
from vecmill_publishers.hub.impatience import refuse_to_wait
from vecmill_publishers.hub.variants import make_variant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from vecmill.records import FileEntry, Sent
    from vecmill_publishers.hub.remote import Remote


FILES_PER_COMMIT = 50
"""The Hub takes 50 to 100 before a commit times out."""
GROUP_BYTES = 512 << 20
"""Sent side by side; one call of the client for each group keeps requests few and progress visible."""


class Stored(NamedTuple):
    """A file as the repo has it: its size, its sha256 if it is a large file, and its git id."""

    size: int
    sha256: str | None
    oid: str


@dataclass(frozen=True, slots=True)
class Upload:
    """A file, and where it goes.

    Attributes:
        local: The file on this machine; it may be missing if a worker sent it.
        path: Its path in the repo.
        variant: The kind of vectors that are to be made of those in the file; empty if it is sent as it is.
        sent: Whether the Hub has its bytes already, and lacks but the commit.
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

        What is in a variant is known when it is made; before, that it is there must do: the folder's name says
        from which shards, and commits are whole.
        """
        found = files.get(self.path)
        if found is None or found.sha256 is None:
            return False
        return bool(self.variant) or (found.size, found.sha256) == (self.bytes, self.sha256)

    @property
    def here(self) -> bool:
        """Whether the file is on this machine."""
        return self.local.is_file()

    def intact(self) -> bool:
        """Whether the file on this machine is what the manifest says."""
        return self.here and self.local.stat().st_size == self.bytes and sha256(self.local) == self.sha256


def batches(uploads: Iterable[Upload]) -> Iterator[list[Upload]]:
    """Cut into what one commit takes."""
    waiting = list(uploads)
    for start in range(0, len(waiting), FILES_PER_COMMIT):
        yield waiting[start : start + FILES_PER_COMMIT]


def groups(uploads: Iterable[Upload]) -> Iterator[list[Upload]]:
    """Cut into what is sent side by side."""
    group: list[Upload] = []
    for upload in uploads:
        if group and sum(other.bytes for other in group) + upload.bytes > GROUP_BYTES:
            yield group
            group = []
        group.append(upload)
    if group:
        yield group


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
    with tempfile.TemporaryDirectory(prefix="vecmill-") as folder, remote.translate_errors():
        whole = Upload.of(dataset, shard, ANYWHERE)
        smaller = {name: make_variant(Upload.of(dataset, shard, ANYWHERE, name), Path(folder)) for name in variants}
        with refuse_to_wait():
            remote.send([whole, *smaller.values()], lambda _: None)
    return {"to": remote.url, "variants": {name: [file.bytes, file.sha256] for name, file in smaller.items()}}


class PreUploads:
    """What workers have sent to one repo.

    Args:
        url: The repo's address.
        sent: What they say; of other repos too.
    """

    def __init__(self, url: str, sent: Iterable[Sent]) -> None:
        self._notes = {each.sha256: each.note for each in sent if each.note.get("to") == url}

    def find_settled(self, upload: Upload) -> Upload | None:
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
