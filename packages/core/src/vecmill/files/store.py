"""Store: where files lie. It lists files with their identity and opens them.

A store is one file: a class with ``find`` and ``find_file``, and a line in ``STORES``. Where fsspec knows the protocol,
the class is a few lines on ``FsspecStore``.
"""

from __future__ import annotations

import hashlib
import importlib
import re
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, BinaryIO, ClassVar

from vecmill.concurrency import Threads
from vecmill.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from threading import Event

    from vecmill.records import Terms

STORES = {
    "": "vecmill.files.local:LocalStore",
    "hf": "vecmill.files.hub_repo:HubStore",
    "memory": "vecmill.files.fsspec:MemoryStore",
}
"""The stores, by what a path begins with; local ones begin with nothing."""
AGAIN = "A source must not change from the plan to the last shard; run again once it does not"
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
                depth, hidden ones left out) or a glob pattern.
            suffixes: How a file's name in a folder must end to be taken.

        Raises:
            ConfigError: There is no such file, or the folder or pattern has none.
        """

    @abstractmethod
    def find_file(self, folder: str, name: str) -> File | None:
        """Return the file with a name in a folder, or None if there is none."""

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
