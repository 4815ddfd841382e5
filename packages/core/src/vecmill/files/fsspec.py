"""FsspecStore: files of a file system that fsspec knows, such as those of this process, ``memory://``."""

from __future__ import annotations

import glob
import io
import posixpath
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, TypeAlias, cast

from vecmill.errors import ConfigError, SourceError
from vecmill.files.folders import PARQUET, is_hidden, passes_hidden, refuse_table
from vecmill.files.store import AGAIN, File, Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fsspec import AbstractFileSystem

Info: TypeAlias = "Mapping[str, Any]"
"""What a file system says of a file: ``type`` (``file`` or ``directory``), ``size`` in bytes, and more of its own."""


class FsspecFile(File):
    """A file of an fsspec file system.

    Attributes:
        path: Its path there.
    """

    remote = True

    def __init__(self, filesystem: AbstractFileSystem, path: str, name: str, info: Info) -> None:
        self.filesystem = filesystem
        self.path = path
        self.name = name
        self._size = int(info["size"])

    def __str__(self) -> str:
        return str(self.filesystem.unstrip_protocol(self.path)).replace(":///", "://")

    @property
    def size(self) -> int:
        """Its bytes, when it was first looked at."""
        return self._size

    @property
    def identity(self) -> tuple[str | int, ...]:
        """Its name, and what changes with its content, as the file system knows it."""
        return self.name, self._size, self._version

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open the file for reading; see ``File.open``."""
        if self._version != self._read_version():
            raise SourceError(f"{self} changed during the run: {AGAIN}")
        with self._open_stream() as stream:
            yield stream

    def _open_stream(self) -> BinaryIO:
        return cast("BinaryIO", self.filesystem.open(self.path, "rb", cache_type="none"))

    @cached_property
    def _version(self) -> str:
        return self._read_version()

    def _read_version(self) -> str:
        """Return what changes with the content: an etag, a version or a time, whichever the file system has."""
        try:
            return str(self.filesystem.ukey(self.path))
        except FileNotFoundError as error:
            raise SourceError(f"{self} is gone: {AGAIN}") from error


class FsspecStore(Store):
    """Finds the files of an fsspec file system.

    Attributes:
        protocol: What its paths begin with, before ``://``.
        advice: What a message adds where nothing is found.
    """

    protocol: ClassVar[str]
    advice: ClassVar[str] = ""

    @cached_property
    def filesystem(self) -> AbstractFileSystem:
        """The file system."""
        import fsspec

        return fsspec.filesystem(self.protocol)

    def find(self, paths: Sequence[str], suffixes: tuple[str, ...]) -> list[File]:
        """Return the files that paths mean; see ``Store.find``."""
        found = {full: info for path in paths for full, info in self._list(path, suffixes)}
        base = posixpath.commonpath([posixpath.dirname(full) for full in found])
        return [self.make_file(full, full.removeprefix(base).lstrip("/"), info) for full, info in found.items()]

    def find_file(self, folder: str, name: str) -> File | None:
        """Return the file with a name in a folder, or None if there is none."""
        full = f"{self.resolve(folder)}/{name}"
        info = self._describe(full)
        return self.make_file(full, name, info) if info is not None and info["type"] == "file" else None

    def resolve(self, path: str) -> str:
        """Return a path as the file system writes it, without the protocol."""
        return str(self.filesystem._strip_protocol(path)).rstrip("/")  # noqa: SLF001 - fsspec has no public name for it

    def make_file(self, full: str, name: str, info: Info) -> File:
        """Return a file, given what the file system says of it."""
        return FsspecFile(self.filesystem, full, name, info)

    def _describe(self, full: str) -> Info | None:
        try:
            return cast("Info", self.filesystem.info(full))
        except FileNotFoundError:
            return None

    def _list(self, path: str, suffixes: tuple[str, ...]) -> Sequence[tuple[str, Info]]:
        full = self.resolve(path)
        info = self._describe(full)
        if info is not None and info["type"] == "file":
            return [(full, info)]
        if info is not None:
            listed = _files(self.filesystem.find(full, detail=True))
            if PARQUET in suffixes:
                refuse_table(path.rstrip("/"), (_split(name, full)[0] for name, _ in listed))
            found = [
                (name, info)
                for name, info in listed
                if name.lower().endswith(suffixes) and not any(map(is_hidden, _split(name, full)[1]))
            ]
            problem = f"the folder {path!r} holds no file that ends with {' or '.join(suffixes)}"
        elif glob.has_magic(full):
            fixed = full[: min(full.find(sign) for sign in "*?[" if sign in full)]
            folder, pattern = posixpath.dirname(fixed), full.split("/")
            found = [
                (name, info)
                for name, info in _files(self.filesystem.glob(full, detail=True))
                if "/." not in name.removeprefix(folder) and not passes_hidden(_split(name, folder)[1][:-1], pattern)
            ]
            problem = f"no file matches {path!r}"
        else:
            found, problem = [], f"there is no file or folder {path!r}"
        if not found:
            raise ConfigError(f"{problem}: name another{self.advice}")
        return found


def _files(listing: object) -> list[tuple[str, Info]]:
    """Return what is a file, sorted."""
    return [(full, info) for full, info in sorted(cast("dict[str, Info]", listing).items()) if info["type"] == "file"]


def _split(full: str, folder: str) -> tuple[str, list[str]]:
    """Return a path within a folder, and its parts."""
    name = full.removeprefix(folder).lstrip("/")
    return name, name.split("/")


class MemoryFile(FsspecFile):
    """A file of this process."""

    remote = False

    def _open_stream(self) -> BinaryIO:
        # fsspec gives one object, with one position, to all who open the file.
        return io.BytesIO(self.filesystem.cat_file(self.path))


class MemoryStore(FsspecStore):
    """Files of this process, written with ``fsspec.filesystem("memory")``: for tests and for programs."""

    protocol = "memory"
    advice = ". Files of memory:// are seen by the process alone that wrote them"

    def make_file(self, full: str, name: str, info: Info) -> File:
        """Return a file, given what the file system says of it."""
        return MemoryFile(self.filesystem, full, name, info)
