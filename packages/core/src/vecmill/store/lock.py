"""Lock: one command at a time works in a dataset folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from vecmill.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vecmill.store.layout import Layout

FOLDER = "VECMILL_LOCKS"
"""A variable with a folder for locks, for datasets on a file system where no file may be held open."""


@contextlib.contextmanager
def locked(layout: Layout) -> Iterator[None]:
    """Hold a dataset folder, creating it if need be. A killed holder's lock is free at once.

    Raises:
        StoreError: Another command works in it, or it cannot be written.
    """
    from filelock import FileLock, Timeout

    place = _place(layout)
    lock = FileLock(place)
    try:
        for folder in (layout.root, place.parent):
            folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        raise StoreError(f"another run works in {layout.root}: wait for it, or choose another folder") from None
    except OSError as error:
        raise StoreError(
            f"the output folder {layout.root} cannot be written ({error.strerror or error}): "
            "change its permissions, or choose another folder"
        ) from error
    try:
        yield
    finally:
        place.unlink(missing_ok=True)
        lock.release()


def _place(layout: Layout) -> Path:
    folder = os.environ.get(FOLDER)
    if not folder:
        return layout.lock
    return Path(folder) / f"{hashlib.sha256(str(layout.root.resolve()).encode()).hexdigest()[:16]}.lock"
