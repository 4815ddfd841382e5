"""File: a file of a local source."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from vecmill.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

SHARED = "VECMILL_SHARED"
"""Folders that several machines see, as in PATH. Each may see other times of a file, so its content is what counts."""
AGAIN = "A source must hold still from the plan to the last shard; run again once it does."


class Stamp(NamedTuple):
    """What shows cheaply that a file is still the same.

    Whoever rewrites a file may give it its size and its time of modification back, but not the rest.
    """

    size: int
    mtime_ns: int
    inode: int
    ctime_ns: int


class File:
    """A file of a local source.

    Attributes:
        path: Where it is.
        name: Its path within the folder that all the source's files share, with forward slashes.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name

    @cached_property
    def stamp(self) -> Stamp:
        """The file as it was when first asked for."""
        with self._readable():
            return self._stamp(self.path.stat())

    @property
    def identity(self) -> tuple[str | int, ...]:
        """What must be the same for a worker as it was for the plan."""
        from vecmill.sources.fingerprint import content_hash

        return (self.name, self.stamp.size, content_hash(self)) if self._is_shared else (self.name, *self.stamp)

    @property
    def known_hash(self) -> str | None:
        """The sha256 of its content, if this process has read it before."""
        from vecmill.sources.fingerprint import known_hash

        return known_hash(self)

    def hash(self) -> str:
        """Return the sha256 of its content, reading it if need be."""
        from vecmill.sources.fingerprint import content_hash

        return content_hash(self)

    @cached_property
    def _is_shared(self) -> bool:
        shared = os.environ.get(SHARED, "").split(os.pathsep)
        return any(self.path.absolute().is_relative_to(folder) for folder in shared if folder)

    @contextmanager
    def open(self) -> Iterator[BufferedReader]:
        """Open the file for reading.

        Raises:
            SourceError: It cannot be read, or is no longer what it was when first looked at.
        """
        expected = self.stamp
        with self._readable():
            stream = self.path.open("rb")
        with stream:
            self._expect(expected, stream)
            yield stream
            self._expect(expected, stream)

    def _expect(self, expected: Stamp, stream: BufferedReader) -> None:
        if self._stamp(os.fstat(stream.fileno())) != expected:
            raise SourceError(f"{self.path} changed during the run. {AGAIN}")

    def _stamp(self, status: os.stat_result) -> Stamp:
        if self._is_shared:  # a mount may number its files anew at any time
            return Stamp(status.st_size, status.st_mtime_ns, 0, 0)
        return Stamp(status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SourceError(f"{self.path} cannot be read: {error.strerror}.") from error


def named(paths: list[Path]) -> list[File]:
    """Name files by their path within the folder they share."""
    absolute = [path.absolute() for path in paths]
    base = os.path.commonpath([path.parent for path in absolute])
    return [File(path, whole.relative_to(base).as_posix()) for path, whole in zip(paths, absolute, strict=True)]
