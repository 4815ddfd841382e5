"""Upload: a file of the dataset on its way to the repo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from vecmill.store.files import sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from vecmill.records import FileEntry

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

    def arrived(self, files: dict[str, Stored]) -> bool:
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
