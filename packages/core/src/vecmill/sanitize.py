"""Sanitize: foreign strings, checked and cleaned: paths, secrets, and what could drive a terminal.

vecmill's messages name no secret. But an HTTP client's error may quote an address with a password, and a worker's
last lines may hold anything.
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path, PurePosixPath, PureWindowsPath

from vecmill.errors import ConfigError

HIDDEN = "***"
LEAST_CHARACTERS = 8
"""A shorter value is not taken for a secret: it would be found in the middle of words."""

_NAMES = re.compile(r"(TOKEN|SECRET|PASSWORD|PASSWD|(^|_)KEY|CREDENTIALS?|WEBHOOK_URL)$", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<=://)[^\s/?#@'\"]+(?=@)")
_TOKENS = re.compile(r"\b(hf_[A-Za-z0-9]{8,}|a[sk]-[A-Za-z0-9]{16,}|Bearer\s+[^\s'\"]{8,})")


def redact_secrets(text: str) -> str:
    """Return a text without secrets: the environment's tokens, keys and passwords, and what looks like a token."""
    for value in _list_secrets():
        text = text.replace(value, HIDDEN)
    return _TOKENS.sub(HIDDEN, _ADDRESS.sub(HIDDEN, text))


def _list_secrets() -> list[str]:
    """Return the secrets of this process's environment, the longest first: one may be the beginning of another."""
    values = {value for name, value in os.environ.items() if _NAMES.search(name) and len(value) >= LEAST_CHARACTERS}
    return sorted(values, key=len, reverse=True)


UNSAFE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls of both sets, but for the tab and the newline
    "\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"  # what reverses a line, or ends it
    "\ud800-\udfff"  # halves of characters
)
"""What could move the cursor, change colours, reverse or break lines, as a class of a regular expression."""
MARKS = "\u061c\u200e\u200f"
"""Of these, what Arabic and Hebrew text holds: a mark has the direction of one letter, and no further effect."""
_SEQUENCE = re.compile(rf"\x1b\[[0-?]*[ -/]*[@-~]|(?![{MARKS}])[{UNSAFE}]")
_ONE = re.compile(f"[{UNSAFE}]")


def printable(text: str) -> str:
    """Return a text without terminal control sequences; newlines, tabs and the marks of a direction stay."""
    return _SEQUENCE.sub("", text)


def flatten(text: str) -> str:
    """Return a printable text as one line: what ends a line, or is blank, becomes a space."""
    return printable(" ".join(text.split()))


def escape_json(text: str) -> str:
    r"""Return the same JSON with what could drive a terminal written as ``\u`` and four digits."""
    return _ONE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


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
        raise ConfigError(f"{path!r} cannot be a path: {str(error).rstrip('.')}: name another") from error
    return found


def require_utf8(path: str | Path) -> str:
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
