"""Register: the runs that this user made on this machine, outside of every dataset's folder.

A dataset, and whatever lies in its folder, may be a stranger's: what opens its model here is believed only if the run
stands in the register, which no download writes.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from vecmill.errors import StoreError
from vecmill.records import ComponentSpec
from vecmill.store.files import write_bytes

FOLDER = "VECMILL_STATE"
"""A variable with the folder of the register, in place of the user's own for such things."""
_RUN_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)


class OwnRun(BaseModel):
    """A run of this user, and the embedder that it was made with, its places on this machine included."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: str
    embedder: ComponentSpec


def register_run(run_id: str, embedder: ComponentSpec) -> None:
    """Write down that a run is this user's own; where nothing can be written, its model has to be named later."""
    path, own = _path(run_id), OwnRun(run_id=run_id, embedder=embedder)
    if path is None or own == _read(path):
        return
    with contextlib.suppress(OSError, StoreError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_bytes(path, path.parent, own.model_dump_json().encode() + b"\n")


def can_register() -> bool:
    """Return whether a run could be written down here, by the folder that is there."""
    path = _folder()
    while path is not None and not path.exists():
        path = path.parent if path != path.parent else None
    return path is not None and path.is_dir() and os.access(path, os.W_OK | os.X_OK)


def find_run(run_id: str) -> ComponentSpec | None:
    """Return the embedder of a run of this user; ``None`` if the run is not known to be one."""
    path = _path(run_id)
    own = None if path is None else _read(path)
    return own.embedder if own is not None and own.run_id == run_id else None


def _read(path: Path) -> OwnRun | None:
    """Read an entry; a damaged one is none, and is written anew by the next run."""
    try:
        return OwnRun.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _path(run_id: str) -> Path | None:
    folder = _folder()
    return folder / "runs" / f"{run_id}.json" if folder is not None and _RUN_ID.fullmatch(run_id) else None


def _folder() -> Path | None:
    """Return where the system has programs keep what they know of a user; ``None`` for a user without a home.

    A path that depends on the current folder counts for nothing, for a download may be there.
    """
    if chosen := os.environ.get(FOLDER):
        return Path(chosen)
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        folder = _absolute("LOCALAPPDATA") or home / "AppData" / "Local"
    elif sys.platform == "darwin":
        folder = home / "Library" / "Application Support"
    else:
        folder = _absolute("XDG_STATE_HOME") or home / ".local" / "state"
    return folder / "vecmill" if folder.is_absolute() else None


def _absolute(name: str) -> Path | None:
    """Return the folder that a variable names in full."""
    folder = Path(os.environ.get(name, ""))
    return folder if folder.is_absolute() else None
