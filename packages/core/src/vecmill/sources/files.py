"""Files: the files of a local source, found by path, pattern or folder."""

from __future__ import annotations

import glob
import os
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vecmill.errors import ConfigError, SourceError
from vecmill.expand import expand_path, writable_down

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader


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


def name_files(paths: list[Path]) -> list[File]:
    """Name files by their path within the folder they share."""
    absolute = [path.absolute() for path in paths]
    base = os.path.commonpath([path.parent for path in absolute])
    return [File(path, whole.relative_to(base).as_posix()) for path, whole in zip(paths, absolute, strict=True)]


def inside(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Return the files in a folder that end with one of ``suffixes``, in any case, sorted; hidden ones left out.

    A link to a folder elsewhere is followed; one to a folder that is read anyway is not, nor one that leads around.

    Raises:
        ConfigError: There is none, a folder cannot be read, or a link leads nowhere.
    """
    found = sorted((path for path in _walk(folder, [folder.resolve()]) if _ends(path, suffixes)), key=str)
    if not found:
        raise ConfigError(f"The folder {str(folder)!r} holds no file that ends with {' or '.join(suffixes)}.")
    return [path for path in found if whole(path)]


def whole(path: Path) -> bool:
    """Whether a path is a file, and not a folder or a pipe.

    Raises:
        ConfigError: It is a link to a file that is not there.
    """
    if not path.exists():
        raise ConfigError(f"{str(path)!r} is a link to a file that is not there. Get the file, or remove the link.")
    return path.is_file()


def _walk(folder: Path, read: list[Path]) -> Iterator[Path]:
    """Yield what is no folder; ``read`` are the real places of folders that are read with all that is in them."""
    for path, folders, names in os.walk(folder, onerror=_stop):
        yield from (Path(path, name) for name in names if not name.startswith("."))
        folders[:] = [name for name in folders if not name.startswith(".")]
        for link in filter(Path.is_symlink, (Path(path, name) for name in folders)):
            real = link.resolve()
            if not any(_covers(known, real) or real in known.parents for known in read):
                read.append(real)
                yield from _walk(link, read)


def _covers(folder: Path, other: Path) -> bool:
    """Whether to read a folder is to read another one with it."""
    return other.is_relative_to(folder) and not any(part.startswith(".") for part in other.relative_to(folder).parts)


def _ends(path: Path, suffixes: tuple[str, ...]) -> bool:
    return path.name.lower().endswith(suffixes)


def _stop(error: OSError) -> None:
    raise error


def find(path: str | list[str], suffixes: tuple[str, ...]) -> list[File]:
    """Return the files that ``path`` means, each once: a list in its order, a folder or pattern sorted.

    Args:
        path: A file, a folder (all files in it that end with one of ``suffixes``, at any depth, hidden
            ones left out), a glob pattern, or a list of them.
        suffixes: How a file's name in a folder must end to be taken.

    Raises:
        ConfigError: There is no such file, the folder or pattern holds none, or a name is not UTF-8.
    """
    items = [path] if isinstance(path, str) else path
    found: dict[Path, Path] = {}
    for match in (match for item in items for match in _find_files(item, suffixes)):
        writable_down(match)
        found.setdefault(match.parent.resolve() / match.name, match)
    if not found:
        raise ConfigError("source.path is an empty list. Name a file, a folder or a pattern such as data/*.parquet.")
    return name_files(list(found.values()))


def _find_files(item: str, suffixes: tuple[str, ...]) -> list[Path]:
    if not item:
        raise ConfigError("source.path is empty. Name a file, a folder or a pattern such as data/*.parquet.")
    try:
        return _matches(item, suffixes)
    except OSError as error:
        told = f"{error.filename or item!r} cannot be read: {error.strerror}"
        raise ConfigError(f"{told}. Change its permissions, or name another file or folder.") from error


def _matches(item: str, suffixes: tuple[str, ...]) -> list[Path]:
    path = expand_path(item)
    if path.is_dir():
        return inside(path, suffixes)
    if path.exists():
        if not whole(path):
            raise ConfigError(f"{item!r} is a pipe or a device, and a source is read more than once. Name a file.")
        return [path]
    if not glob.has_magic(item):
        raise ConfigError(f"There is no file or folder {item!r} (the current folder is {Path.cwd()}).")
    # Path.glob refuses absolute patterns.
    matches = sorted(match for match in glob.glob(str(path), recursive=True) if whole(Path(match)))  # noqa: PTH207
    if not matches:
        raise ConfigError(f"No file matches {item!r} (the current folder is {Path.cwd()}).")
    return [Path(match) for match in matches]
