"""find: the files that a ``path`` option means."""

from __future__ import annotations

import glob
from pathlib import Path

from vecmill.errors import ConfigError
from vecmill.expand import expanded, writable_down
from vecmill.sources.files import File, named
from vecmill.sources.folder import inside, whole


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
    for match in (match for item in items for match in _found(item, suffixes)):
        writable_down(match)
        found.setdefault(match.parent.resolve() / match.name, match)
    if not found:
        raise ConfigError("source.path is an empty list. Name a file, a folder or a pattern such as data/*.parquet.")
    return named(list(found.values()))


def _found(item: str, suffixes: tuple[str, ...]) -> list[Path]:
    if not item:
        raise ConfigError("source.path is empty. Name a file, a folder or a pattern such as data/*.parquet.")
    try:
        return _matches(item, suffixes)
    except OSError as error:
        told = f"{error.filename or item!r} cannot be read: {error.strerror}"
        raise ConfigError(f"{told}. Change its permissions, or name another file or folder.") from error


def _matches(item: str, suffixes: tuple[str, ...]) -> list[Path]:
    path = expanded(item)
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
