"""find: the files that a ``path`` option means."""

from __future__ import annotations

import glob
from pathlib import Path

from vecmill.errors import ConfigError
from vecmill.sources.files import File, named


def find(path: str | list[str], suffixes: tuple[str, ...]) -> list[File]:
    """Return the files that ``path`` means, each once: a list in its order, a folder or pattern sorted.

    Args:
        path: A file, a folder (all files in it that end with one of ``suffixes``, at any depth, hidden
            ones left out), a glob pattern, or a list of them.
        suffixes: How a file's name in a folder must end to be taken.

    Raises:
        ConfigError: There is no such file, or the folder or pattern holds none.
    """
    items = [path] if isinstance(path, str) else path
    found = list(dict.fromkeys(match for item in items for match in _matches(item, suffixes)))
    if not found:
        raise ConfigError("source.path is an empty list. Name a file, a folder or a pattern such as data/*.parquet.")
    return named(found)


def _matches(item: str, suffixes: tuple[str, ...]) -> list[Path]:
    path = Path(item).expanduser()
    if path.is_dir():
        return _inside(path, suffixes)
    if path.exists():
        return [path]
    if not glob.has_magic(item):
        raise ConfigError(f"There is no file or folder {item!r} (the current folder is {Path.cwd()}).")
    # Path.glob refuses absolute patterns.
    matches = sorted(match for match in glob.glob(str(path), recursive=True) if Path(match).is_file())  # noqa: PTH207
    if not matches:
        raise ConfigError(f"No file matches {item!r} (the current folder is {Path.cwd()}).")
    return [Path(match) for match in matches]


def _inside(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    found = sorted(
        (path for path in folder.rglob("*") if path.name.endswith(suffixes) and _plain(path, folder)), key=str
    )
    if not found:
        raise ConfigError(f"The folder {str(folder)!r} holds no file that ends with {' or '.join(suffixes)}.")
    return found


def _plain(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.is_file()
