"""expanded: a path as people write it becomes one that the system takes."""

from __future__ import annotations

import errno
from pathlib import Path

from vecmill.errors import ConfigError

_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.EACCES}


def expanded(path: str) -> Path:
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
