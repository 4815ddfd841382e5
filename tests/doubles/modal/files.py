"""Files: folders of files, compared, copied and linked."""

from __future__ import annotations

import contextlib
import os
import shutil
import zipfile
from pathlib import Path

Stamp = tuple[int, int]
"""A file's size and time of change."""


def stamps(folder: Path) -> dict[str, Stamp]:
    """Return the files below a folder, each with its size and time of change."""
    found = {}
    for where, _, names in os.walk(folder):
        for name in names:
            path = Path(where, name)
            with contextlib.suppress(FileNotFoundError):  # its owner moved it meanwhile
                found[path.relative_to(folder).as_posix()] = stamp(path)
    return found


def stamp(path: Path) -> Stamp:
    """Return a file's size and time of change."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def copy(source: Path, target: Path, *, times: bool = True) -> None:
    """Copy a file, so that nobody sees half of it, nor a link to the target a change; with its times or not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.copy")
    (shutil.copy2 if times else shutil.copyfile)(source, partial)
    partial.replace(target)


def unpack(wheel: Path, site: Path) -> None:
    """Put a wheel's files where Python finds them, those of its purelib and platlib among them."""
    with zipfile.ZipFile(wheel) as packed:
        for entry in packed.infolist():
            top, _, rest = entry.filename.partition("/")
            kind, _, inner = rest.partition("/")
            name = inner if top.endswith(".data") and kind in {"purelib", "platlib"} else entry.filename
            target = site / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(packed.read(entry))


def link(folder: Path, target: Path) -> None:
    """Make the target show what a folder shows now; later copies into the folder do not change it."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target, copy_function=os.link)
