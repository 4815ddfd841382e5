"""Paths as people write them, and as systems name files: what of them can be used."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from vecmill.errors import ConfigError

_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.EACCES}


def expand_path(path: str) -> Path:
    """Return a path with ``~`` replaced by the home folder it means; nothing need be there.

    Raises:
        ConfigError: Nothing can be there: nobody has that home, or no path is so long or holds such characters.
    """
    try:
        found = Path(path).expanduser()
        found.stat()
    except OSError as error:
        if error.errno not in _ABSENT:
            raise ConfigError(f"{path!r} cannot be a path: {error.strerror}. Name another.") from error
    except (ValueError, RuntimeError) as error:
        raise ConfigError(f"{path!r} cannot be a path: {error}. Name another.") from error
    return found


def writable_down(path: str | Path) -> str:
    """Return a path as text that can be written to JSON and sent to workers.

    Raises:
        ConfigError: It has bytes that are no UTF-8, from a system with another encoding.
    """
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        shown = repr(os.fsencode(text))[2:-1]
        raise ConfigError(f"the name {shown} is not UTF-8: rename it, or the folder that is named so") from None
    return text
