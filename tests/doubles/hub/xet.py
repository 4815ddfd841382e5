"""Xet: large files on their way in and out by the real Xet client, which keeps them in a folder as in its service."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import struct
import time
from typing import TYPE_CHECKING

from doubles.hub.request import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from doubles.hub.store import Blob, Store

HASH = 32
ENTRY = 48
BOOKEND = b"\xff" * HASH
VERIFIED, DESCRIBED = 1 << 31, 1 << 30


class Xet:
    """The content-addressed store.

    Attributes:
        apart: Whether each writer gets a folder of its own. One folder takes one process at a time.
    """

    def __init__(self, folder: Path, store: Store) -> None:
        self.apart = False
        self._folder = folder
        self._store = store
        self._numbers = itertools.count()

    def token(self, *, write: bool) -> Answer:
        """Say where to write, or where to read."""
        name = f"writer-{next(self._numbers)}" if self.apart else "writer"
        folder = self._folder / name if write else self._all()
        folder.mkdir(parents=True, exist_ok=True)
        expires = int(time.time()) + 3600
        url = f"local://{folder}"
        headers = {
            "X-Xet-Cas-Url": url,
            "X-Xet-Access-Token": "xet",
            "X-Xet-Token-Expiration": str(expires),
        }
        return Answer.json({"casUrl": url, "accessToken": "xet", "exp": expires}, **headers)

    def forget(self) -> None:
        """Throw away what arrived; what was committed is in the store."""
        for folder in self._folder.glob("writer*"):
            shutil.rmtree(folder)

    def hash(self, sha256: str) -> str | None:
        """Return the Xet hash of the bytes with this sha256, if they arrived."""
        return next((files[sha256] for files in map(_files, self._folder.glob("writer*")) if sha256 in files), None)

    def take(self, sha256: str, size: int) -> Blob | None:
        """Keep an object that arrived, read back through the Xet client; None if it did not arrive."""
        for folder in self._folder.glob("writer*"):
            if found := _files(folder).get(sha256):
                data = self._read(folder, found, size)
                blob = self._store.put(data, large=True)
                return blob if blob.sha256 == sha256 else None
        return None

    def _read(self, folder: Path, found: str, size: int) -> bytes:
        import hf_xet

        # A copy: the folder's index belongs to the process that writes there.
        with self._copied(folder) as copy:
            target = copy / "content"
            session = hf_xet.XetSession()
            with session.new_file_download_group(endpoint=f"local://{copy}") as group:
                group.start_download_file(hf_xet.XetFileInfo(found, size), str(target))
            return target.read_bytes()

    @contextlib.contextmanager
    def _copied(self, folder: Path) -> Iterator[Path]:
        copy = self._folder / f"copy-{next(self._numbers)}"
        shutil.copytree(folder, copy)
        yield copy
        shutil.rmtree(copy)

    def _all(self) -> Path:
        """Return a reader's own copy of what the first writer left; with writers apart, readers take the bytes."""
        copy = self._folder / f"reader-{next(self._numbers)}"
        shutil.copytree(self._folder / "writer", copy)
        return copy


def _files(folder: Path) -> dict[str, str]:
    """Return the Xet hash of each file, by sha256, as the client's own metadata say."""
    return {sha: xet for path in folder.glob("xet/xorbs/shards/*.mdb") for sha, xet in _described(path.read_bytes())}


def _described(shard: bytes) -> Iterator[tuple[str, str]]:
    """Read a metadata shard: for each file a header, its segments, their checks, and its sha256."""
    offset = ENTRY
    while shard[offset : offset + HASH] != BOOKEND:
        found = shard[offset : offset + HASH]
        flags, segments = struct.unpack_from("<II", shard, offset + HASH)
        offset += ENTRY * (1 + segments * (2 if flags & VERIFIED else 1))
        if flags & DESCRIBED:
            yield _hex(shard[offset : offset + HASH]), _hex(found)
            offset += ENTRY


def _hex(digest: bytes) -> str:
    """Return a hash as it is written: four little-endian words."""
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", digest))
