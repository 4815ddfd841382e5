"""inside: the files of a folder, at any depth."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from vecmill.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator


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
