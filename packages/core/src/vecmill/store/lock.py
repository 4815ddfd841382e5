"""Lock: one command at a time works in a dataset folder."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from vecmill.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vecmill.store.layout import Layout


@contextlib.contextmanager
def locked(layout: Layout) -> Iterator[None]:
    """Hold a dataset folder, creating it if need be. A killed holder's lock is free at once.

    Raises:
        StoreError: Another command works in it, or it cannot be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(layout.lock)
    try:
        layout.root.mkdir(parents=True, exist_ok=True)
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
        layout.lock.unlink(missing_ok=True)
        lock.release()
