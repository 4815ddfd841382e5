"""Store: the bytes of all files, by what they are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from pathlib import Path

LARGE = 10 << 20
LARGE_SUFFIXES = (".parquet", ".arrow", ".safetensors", ".bin", ".gz", ".zip", ".onnx")


@dataclass(frozen=True)
class Blob:
    """A file's bytes, and how the Hub keeps them: in git, or as a large file.

    ``oid`` is the git blob id of the file, or of its pointer if it is large; ``sha256`` that of its bytes.
    """

    path: Path
    size: int
    sha256: str
    oid: str
    large: bool

    @property
    def etag(self) -> str:
        """What the Hub calls the file's content."""
        return self.sha256 if self.large else self.oid


class Store:
    """A folder of blobs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, data: bytes, *, large: bool) -> Blob:
        """Keep some bytes."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._folder / sha256
        if not path.exists():
            # Moved into place: another request may look at it meanwhile.
            partial = path.with_suffix(f".{uuid4().hex}")
            partial.write_bytes(data)
            partial.replace(path)
        content = pointer(sha256, len(data)) if large else data
        return Blob(path, len(data), sha256, git_oid(content), large)

    def put_file(self, path: Path) -> Blob:
        """Keep a file, as a large one if it looks like one."""
        data = path.read_bytes()
        return self.put(data, large=path.suffix in LARGE_SUFFIXES or len(data) > LARGE)

    def put_part(self, oid: str, number: int, data: bytes) -> None:
        """Keep a part of an object that is on its way."""
        (self._folder / f"{oid}.{number:05d}.part").write_bytes(data)

    def parts(self, oid: str) -> dict[int, bytes]:
        """Return the parts of an object that have arrived, by number."""
        found = sorted(self._folder.glob(f"{oid}.*.part"))
        return {int(path.name.split(".")[1]): path.read_bytes() for path in found}

    def find(self, sha256: str) -> Path:
        """Return where the bytes with this sha256 are."""
        return self._folder / sha256


def pointer(sha256: str, size: int) -> bytes:
    """Return what git keeps in place of a large file."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()


def git_oid(data: bytes) -> str:
    """Return git's id of a blob."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()  # noqa: S324 (git's own hash)
