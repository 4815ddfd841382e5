"""Store: where files lie. It lists files with their identity and opens them.

A store is one file: a class with ``find`` and ``find_file``, and a line in ``STORES``. Where fsspec knows the protocol,
the class is a few lines on ``FsspecStore``.
"""

from __future__ import annotations

import glob
import hashlib
import importlib
import os
import re
import threading
from abc import ABC, abstractmethod
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar, NamedTuple

from vecmill.concurrency import Threads
from vecmill.errors import ConfigError, SourceError
from vecmill.files.folders import PARQUET, list_left_out, passes_hidden, refuse_local_tables, walk
from vecmill.sanitize import expand_path, require_utf8

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from io import BufferedReader
    from threading import Event

    from vecmill.records import Terms

STORES = {
    "": "vecmill.files.store:LocalStore",
    "hf": "vecmill.files.hub_repo:HubStore",
    "memory": "vecmill.files.fsspec:MemoryStore",
}
"""The stores, by what a path begins with; local ones begin with nothing."""
AGAIN = "a source must not change from the plan to the last shard; run again once it does not"
BLOCK = 1 << 20
"""Bytes that are hashed at a time."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class File(ABC):
    """A file in a store. ``str(file)`` is its full name, for messages.

    Attributes:
        name: Its path within the folder that all files of a source share, with forward slashes.
        remote: Whether each read is a request to a server.
    """

    name: str
    remote: ClassVar[bool] = False

    @property
    @abstractmethod
    def size(self) -> int:
        """Its bytes, when it was first looked at."""

    @property
    @abstractmethod
    def identity(self) -> tuple[str | int, ...]:
        """Its name, and what changes with its content: a worker refuses a file that has another one than the plan's."""

    @property
    def known_hash(self) -> str | None:
        """The hash of its content, if a partition is to hold although ``identity`` differs."""
        return None

    @abstractmethod
    def open(self) -> AbstractContextManager[BinaryIO]:
        """Open the file for reading, at any byte.

        Raises:
            SourceError: It cannot be read, or is no longer what it was when first looked at.
        """

    def hash(self, cancelled: Event | None = None) -> str:
        """Return the sha256 of its content, or another hash that only this content has; empty if cancelled."""
        with self.open() as stream:
            return hash_stream(stream, cancelled)


class Store(ABC):
    """Finds files.

    Attributes:
        shared: Whether other machines see its files.
    """

    shared: ClassVar[bool] = False

    @abstractmethod
    def find(self, paths: Sequence[str], suffixes: tuple[str, ...]) -> list[File]:
        """Return the files that paths mean, each once: in the order of the paths; of a folder or pattern sorted.

        Args:
            paths: Each a file, a folder (all files in it that end with one of ``suffixes``, in any case and at any
                depth, without those whose path has a part there that begins with ``.`` or ``_``) or a glob pattern.
            suffixes: How a file's name in a folder must end to be taken.

        Raises:
            ConfigError: There is no such file, the folder or pattern has none, or it is of a table whose Parquet files
                hold deleted rows too.
        """

    @abstractmethod
    def find_file(self, folder: str, name: str) -> File | None:
        """Return the file with a name in a folder, or None if there is none."""

    def list_left_out(self, paths: Sequence[str], suffixes: tuple[str, ...]) -> list[str]:  # noqa: ARG002 - by default
        """Return the files in those paths that are folders that look like the source's and are not read, if known."""
        return []

    def normalize(self, folder: str) -> str:
        """Return a folder as messages show it, without a slash at its end."""
        return folder.rstrip("/")

    def pin(self, path: str) -> str:
        """Return a path with the revision that it means now, where a store has revisions."""
        return path

    def terms(self, paths: Sequence[str]) -> Terms:  # noqa: ARG002 - most stores know of none
        """Return the licences and languages that the store states for these paths."""
        from vecmill.records import Terms

        return Terms()


def open_store(path: str) -> Store:
    """Return the store of a path.

    Raises:
        ConfigError: It is on a store that vecmill does not read.
    """
    found = _SCHEME.match(path)
    scheme = found[1] if found else ""
    if scheme not in STORES:
        raise ConfigError(
            f"source.path begins with {scheme}://, which vecmill does not read: copy the files to this machine or to a "
            "dataset of the Hub (hf://datasets/user/repo/…), or name files of this process (memory://…)"
        )
    module, _, name = STORES[scheme].partition(":")
    store: Store = getattr(importlib.import_module(module), name)()
    return store


def find(path: str | list[str], suffixes: tuple[str, ...]) -> list[File]:
    """Return the files that the option ``path`` means; see ``Store.find``.

    Raises:
        ConfigError: It names no file, or files of several stores.
    """
    return open_common_store(path).find(list_paths(path), suffixes)


def list_paths(path: str | list[str]) -> list[str]:
    """Return the paths of the option ``path``, at least one.

    Raises:
        ConfigError: There is none, or one is empty.
    """
    paths = [path] if isinstance(path, str) else path
    if not paths or not all(paths):
        what = "is empty" if paths else "is an empty list"
        raise ConfigError(f"source.path {what}: name a file, a folder or a pattern such as data/*.parquet")
    return paths


def open_common_store(path: str | list[str]) -> Store:
    """Return the one store of the option ``path``.

    Raises:
        ConfigError: It names nothing, files of several stores, or a store that vecmill does not read.
    """
    paths = list_paths(path)
    first, *others = map(open_store, paths)
    if any(type(other) is not type(first) for other in others):
        raise ConfigError("source.path names files of several stores: copy them to one, or make a job for each")
    return first


def pin(path: str | list[str]) -> str | list[str]:
    """Return the option ``path`` with the revisions that it means now."""
    return open_store(path).pin(path) if isinstance(path, str) else [open_store(each).pin(each) for each in path]


def hash_stream(stream: BinaryIO, cancelled: Event | None = None) -> str:
    """Return the sha256 of what is left of an open file; empty if cancelled."""
    digest = hashlib.sha256()
    while block := stream.read(BLOCK):
        if cancelled is not None and cancelled.is_set():
            return ""
        digest.update(block)
    return digest.hexdigest()


def hash_contents(files: Sequence[File]) -> list[tuple[str, int, str]]:
    """Return the name, the size and the hash of the content of each file."""
    cancelled = threading.Event()

    def hash_file(file: File) -> tuple[str, int, str]:
        hashed = file.hash(cancelled)
        return file.name, file.size, hashed

    with Threads() as threads:
        try:
            return list(threads.map(hash_file, files))
        finally:
            cancelled.set()  # an interrupted command does not wait for what is left of its files


SHARED = "VECMILL_SHARED"
"""Folders that several machines see, as in PATH. Each may see other times of a file, so its content is what counts."""


class Stamp(NamedTuple):
    """What shows cheaply that a file is the same.

    Whoever rewrites a file may give it its size and its time of modification back, but not the rest.
    """

    size: int
    mtime_ns: int
    inode: int
    ctime_ns: int


_hashes: dict[tuple[Path, Stamp], str] = {}
"""The sha256 of each file that was read in this process."""


class LocalFile(File):
    """A file of this machine.

    Attributes:
        path: Its path.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name

    def __str__(self) -> str:
        return str(self.path)

    @cached_property
    def stamp(self) -> Stamp:
        """The file as it was when first looked at."""
        with self._translate_errors():
            return self._make_stamp(self.path.stat())

    @property
    def size(self) -> int:
        """Its bytes, when it was first looked at."""
        return self.stamp.size

    @property
    def identity(self) -> tuple[str | int, ...]:
        """Its name and stamp; in a folder that several machines see, its size and content in place of the stamp."""
        return (self.name, self.size, self.hash()) if self._is_shared else (self.name, *self.stamp)

    @property
    def known_hash(self) -> str | None:
        """The sha256 of its content, if this process has read it before."""
        return _hashes.get((self.path.absolute(), self.stamp))

    def hash(self, cancelled: Event | None = None) -> str:
        """Return the sha256 of its content, which is read once in a process; empty if cancelled."""
        key = (self.path.absolute(), self.stamp)
        if key not in _hashes:
            with self.open() as stream:
                found = hash_stream(stream, cancelled)
            if not found:
                return ""
            _hashes[key] = found
        return _hashes[key]

    @contextmanager
    def open(self) -> Iterator[BufferedReader]:
        """Open the file for reading; see ``File.open``."""
        expected = self.stamp
        with self._translate_errors():
            stream = self.path.open("rb")
        with stream:
            self._check_stamp(expected, stream)
            yield stream
            self._check_stamp(expected, stream)

    @cached_property
    def _is_shared(self) -> bool:
        shared = os.environ.get(SHARED, "").split(os.pathsep)
        return any(self.path.absolute().is_relative_to(folder) for folder in shared if folder)

    def _check_stamp(self, expected: Stamp, stream: BufferedReader) -> None:
        if self._make_stamp(os.fstat(stream.fileno())) != expected:
            raise SourceError(f"{self.path} changed during the run: {AGAIN}")

    def _make_stamp(self, status: os.stat_result) -> Stamp:
        if self._is_shared:  # a mount may number its files anew at any time
            return Stamp(status.st_size, status.st_mtime_ns, 0, 0)
        return Stamp(status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns)

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SourceError(f"{self.path} cannot be read: {error.strerror}") from error


class LocalStore(Store):
    """Files of this machine. A link to a folder elsewhere is followed, but not one to a folder that is read anyway."""

    def find(self, paths: Sequence[str], suffixes: tuple[str, ...]) -> list[File]:
        """Return the files that paths mean; see ``Store.find``.

        Raises:
            ConfigError: There is no such file, the folder or pattern has none, or a name is not UTF-8.
        """
        found: dict[Path, Path] = {}
        for match in (match for path in paths for match in _find_paths(path, suffixes)):
            require_utf8(match)
            found.setdefault(match.parent.resolve() / match.name, match)
        absolute = [path.absolute() for path in found.values()]
        base = os.path.commonpath([path.parent for path in absolute])
        names = [path.relative_to(base).as_posix() for path in absolute]
        return [LocalFile(path, name) for path, name in zip(found.values(), names, strict=True)]

    def list_left_out(self, paths: Sequence[str], suffixes: tuple[str, ...]) -> list[str]:
        """Return the files in folders that look like the source's and are not read; see ``Store.list_left_out``."""
        folders = filter(Path.is_dir, map(expand_path, paths))
        return [str(path) for folder in folders for path in list_left_out(folder, suffixes)]

    def find_file(self, folder: str, name: str) -> File | None:
        """Return the file with a name in a folder, or None if there is none."""
        path = expand_path(folder) / name
        return LocalFile(path, name) if path.is_file() else None

    def normalize(self, folder: str) -> str:
        """Return a folder with ``~`` replaced by the home folder that it means."""
        return str(expand_path(folder))


def _find_paths(item: str, suffixes: tuple[str, ...]) -> list[Path]:
    try:
        return _match(item, suffixes)
    except OSError as error:
        raise ConfigError(
            f"{error.filename or item!r} cannot be read: {error.strerror}: "
            "change its permissions, or name another file or folder"
        ) from error


def _match(item: str, suffixes: tuple[str, ...]) -> list[Path]:
    path = expand_path(item)
    if path.is_dir():
        return _list_folder(path, suffixes)
    if path.exists():
        if not _is_file(path):
            raise ConfigError(f"{item!r} is a pipe or a device, and a source is read more than once: name a file")
        return [path]
    if not glob.has_magic(item):
        raise ConfigError(f"there is no file or folder {item!r} (the current folder is {Path.cwd()}): name another")
    # Path.glob refuses absolute patterns.
    fixed = next(index for index, part in enumerate(path.parts) if glob.has_magic(part))
    matches = [
        Path(match)
        for match in sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207
        if _is_file(Path(match)) and not passes_hidden(Path(match).parts[fixed:-1], path.parts)
    ]
    if not matches:
        raise ConfigError(f"no file matches {item!r} (the current folder is {Path.cwd()}): name others")
    if PARQUET in suffixes:
        refuse_local_tables({match.parent for match in matches})
    return matches


def _list_folder(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Return the files in a folder that end with one of ``suffixes``, in any case, sorted; hidden ones left out.

    Raises:
        ConfigError: There is none, a folder cannot be read, or a link leads nowhere.
    """
    named = (path for path in walk(folder, [folder.resolve()]) if path.name.lower().endswith(suffixes))
    found = sorted(named, key=str)
    if PARQUET in suffixes:
        refuse_local_tables({folder, *(path.parent for path in found)})
    if not found:
        raise ConfigError(
            f"the folder {str(folder)!r} holds no file that ends with {' or '.join(suffixes)}: name another"
        )
    return [path for path in found if _is_file(path)]


def _is_file(path: Path) -> bool:
    """Return whether a path is a file, and not a folder or a pipe.

    Raises:
        ConfigError: It is a link to a file that is not there.
    """
    if not path.exists():
        raise ConfigError(f"{str(path)!r} is a link to a file that is not there: get the file, or remove the link")
    return path.is_file()
