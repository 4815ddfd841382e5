"""Folders: which files in one are data, and which folders are tables whose files alone do not say what they hold."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from vecmill.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

PARQUET = ".parquet"
"""The suffix of files that tables of a lakehouse consist of."""
TABLES = (
    (
        re.compile(r"(?:^|/)_delta_log/"),
        "a Delta table",
        "DuckDB's COPY (SELECT * FROM delta_scan('TABLE')) TO 'rows.parquet'",
    ),
    (
        re.compile(r"(?:^|/)metadata/(?:v\d+|\d+-[0-9a-f-]{36})(?:\.gz)?\.metadata\.json(?:\.gz)?$"),
        "an Iceberg table",
        "DuckDB's COPY (SELECT * FROM iceberg_scan('TABLE')) TO 'rows.parquet'",
    ),
    (
        re.compile(r"(?:^|/)\.hoodie/"),
        "a Hudi table",
        "Spark's spark.read.format('hudi').load('TABLE').write.parquet('rows')",
    ),
)
"""What such a table is known by, what it is, and how its current rows are exported."""


def is_hidden(name: str) -> bool:
    """Return whether a file or folder is no data, by its name: so do Spark, Arrow and Hive; ``_col=1`` is data."""
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def passes_hidden(folders: Iterable[str], pattern: Sequence[str]) -> bool:
    """Return whether a path leads through a hidden folder that the parts of a pattern do not name as such."""
    named = [part for part in pattern if is_hidden(part)]
    return any(is_hidden(name) and not any(fnmatchcase(name, part) for part in named) for name in folders)


def refuse_table(folder: str, names: Iterable[str]) -> None:
    """Refuse a folder that is a table or holds one: its files are also those of deleted and superseded rows.

    Args:
        folder: The folder, for the message.
        names: Paths of the files in it, with forward slashes; a folder's ends with one.

    Raises:
        ConfigError: It is one.
    """
    for name in names:
        for sign, what, export in TABLES:
            if found := sign.search(name):
                table = f"{folder}/{name[: found.start()]}".rstrip("/")
                raise ConfigError(
                    f"{table!r} is {what}, and its Parquet files hold deleted and superseded rows too: export its "
                    f"current rows to plain Parquet, for example with {export}, and name what that writes"
                )


def refuse_local_tables(folders: Iterable[Path]) -> None:
    """Refuse folders of this machine that are tables, or lie in one.

    Raises:
        ConfigError: One is.
    """
    above = {path for folder in folders for path in (folder.absolute(), *folder.absolute().parents)}
    for folder in sorted(above, key=str):
        refuse_table(str(folder), _list_signs(folder))


def _list_signs(folder: Path) -> Iterator[str]:
    """Yield those names in a folder that a table may be known by."""
    yield from (f"{name}/" for name in ("_delta_log", ".hoodie") if os.path.isdir(folder / name))  # noqa: PTH112 - never raises
    try:
        yield from (f"metadata/{name}" for name in os.listdir(folder / "metadata"))  # noqa: PTH208 - names
    except OSError:
        return


def list_left_out(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Return the files in a folder that look like the source's, and are not read, sorted.

    Their names have its suffix before one that it does not read (``a.jsonl.xz``), or they are hidden by a ``_``.
    """
    alike = tuple(f"{suffix}." for suffix in suffixes) + ((".json.",) if ".jsonl" in suffixes else ())
    left = []
    for path, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "_temporary"))]
        hidden = any(map(is_hidden, Path(path).relative_to(folder).parts))
        for name in (name for name in names if not name.startswith(".")):
            if name.lower().endswith(suffixes):
                left += [Path(path, name)] if hidden or is_hidden(name) else []
            elif any(part in name.lower() for part in alike):
                left.append(Path(path, name))
    return sorted(left, key=str)


def walk(folder: Path, read: list[Path]) -> Iterator[Path]:
    """Yield what is no folder and not hidden, at any depth; links to folders that are not read anyway are followed.

    Args:
        folder: The folder.
        read: The real paths of folders that are read with all that is in them.
    """
    for path, folders, names in os.walk(folder, onerror=_raise_error):
        yield from (Path(path, name) for name in names if not is_hidden(name))
        folders[:] = [name for name in folders if not is_hidden(name)]
        for link in filter(Path.is_symlink, (Path(path, name) for name in folders)):
            real = link.resolve()
            if not any(_includes(known, real) or real in known.parents for known in read):
                read.append(real)
                yield from walk(link, read)


def _includes(folder: Path, other: Path) -> bool:
    """Return whether to read a folder is to read another one with it."""
    return other.is_relative_to(folder) and not any(map(is_hidden, other.relative_to(folder).parts))


def _raise_error(error: OSError) -> None:
    raise error
