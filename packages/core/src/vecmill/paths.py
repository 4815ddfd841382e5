"""Paths: what people write for them, and whether one from elsewhere stays inside its folder."""

from __future__ import annotations

import errno
import os
from pathlib import Path, PurePosixPath, PureWindowsPath

from vecmill.errors import ConfigError

_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.EACCES}


def expand_path(path: str) -> Path:
    """Return a path with ``~`` replaced by the home folder; it need not exist.

    Raises:
        ConfigError: It cannot exist: nobody has that home, or it is too long or has characters that no path has.
    """
    try:
        found = Path(path).expanduser()
        found.stat()
    except OSError as error:
        if error.errno not in _ABSENT:
            raise ConfigError(f"{path!r} cannot be a path: {error.strerror}: name another") from error
    except (ValueError, RuntimeError) as error:
        raise ConfigError(f"{path!r} cannot be a path: {error}: name another") from error
    return found


def writable_down(path: str | Path) -> str:
    """Return a path as text for JSON and for workers.

    Raises:
        ConfigError: It has bytes that are not UTF-8, from a system with another encoding.
    """
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        shown = repr(os.fsencode(text))[2:-1]
        raise ConfigError(f"the name {shown} is not UTF-8: rename it, or the folder that is named so") from None
    return text


def is_inside(path: str) -> bool:
    """Return whether a relative path names something in its folder, on any system: no ``..``, no root, no drive."""
    plain = all(part not in {"..", ""} for part in path.replace("\\", "/").rstrip("/").split("/")) and "\0" not in path
    return plain and not PurePosixPath(path).is_absolute() and not PureWindowsPath(path).drive
