"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from typing import TYPE_CHECKING

from vecmill.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO


class HashingFile:
    """A binary file that knows the sha256 of what was written to it, without reading it back."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0
        self.closed = False

    def write(self, data: bytes) -> int:
        """Write and hash."""
        self._digest.update(data)
        self.size += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        """Flush to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """Say that no more will come; the file itself is closed by whoever opened it."""
        self.closed = True

    @property
    def sha256(self) -> str:
        """The hash in hex."""
        return self._digest.hexdigest()


@contextlib.contextmanager
def atomic(target: Path, temporary: Path) -> Iterator[HashingFile]:
    """Write a file under another name in ``temporary`` and move it to ``target`` when it is whole.

    Raises:
        StoreError: It cannot be written: no space, no permission.
    """
    partial = temporary / f"{target.name}.{os.getpid()}.partial"
    try:
        for folder in (temporary, target.parent):
            folder.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            hashing = HashingFile(file)
            yield hashing
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):  # the error above says more
            partial.unlink(missing_ok=True)


def write_bytes(target: Path, temporary: Path, data: bytes) -> None:
    """Write a small file, whole or not at all."""
    with atomic(target, temporary) as file:
        file.write(data)


def read_text(path: Path) -> str:
    """Return the text of a small file that people may have written in; of one that cannot be read none."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def sha256(path: Path) -> str:
    """Hash a file without reading it into memory; in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove(path: Path) -> None:
    """Remove a file, a folder or a link, if it is there; what a link leads to stays.

    Raises:
        StoreError: It cannot be removed.
    """
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"cannot remove {path}: {error.strerror or error}") from error


def remove_file(path: Path) -> None:
    """Remove a file or a link, if it is there; a folder in its place is not ours, and stays.

    Raises:
        StoreError: It cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"cannot remove {path}: {error.strerror or error}") from error
