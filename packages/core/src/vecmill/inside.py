"""Inside: whether a path that came from elsewhere stays in the folder it is for."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath


def is_inside(path: str) -> bool:
    """Return whether a relative path names something in its folder, on any system: no ``..``, no root, no drive."""
    plain = all(part not in {"..", ""} for part in path.replace("\\", "/").rstrip("/").split("/")) and "\0" not in path
    return plain and not PurePosixPath(path).is_absolute() and not PureWindowsPath(path).drive
