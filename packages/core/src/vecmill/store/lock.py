"""Lock: one command at a time works in a dataset folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from vecmill.errors import StoreError
from vecmill.store.files import remove
from vecmill.store.json import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vecmill.store.layout import Layout

FOLDER = "VECMILL_LOCKS"
"""A variable with a folder for locks, for datasets on a file system where no file may be held open."""


class Holder(BaseModel):
    """Which lock, outside of a dataset folder, the command holds that works in it.

    Attributes:
        lock: The lock's file.
        machine: The machine that the file is on: another one cannot know whether it is held.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    lock: str
    machine: str


@contextlib.contextmanager
def locked(layout: Layout) -> Iterator[None]:
    """Hold a dataset folder, creating it if need be. A killed holder's lock is free at once.

    With ``VECMILL_LOCKS`` the lock is a file in the folder that it names, and the dataset folder says which: a command
    without the variable, or with another value of it, looks there. The folder's own lock is then held for as long as
    it takes to write that.

    Raises:
        StoreError: Another command works in it, or it cannot be written.
    """
    elsewhere = _elsewhere(layout)
    if elsewhere is None:
        with _held(layout, layout.lock):
            _refuse_holder(layout)
            yield
        return
    with _held(layout, elsewhere):
        with _held_if_possible(layout):
            _refuse_holder(layout, but=elsewhere)
            _write_holder(layout, elsewhere)
        try:
            yield
        finally:
            with contextlib.suppress(StoreError):  # it is read as what it is: of a lock that nobody holds
                remove(layout.holder)


@contextlib.contextmanager
def _held(layout: Layout, path: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        for folder in (layout.root, path.parent):
            folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        raise _busy(layout) from None
    except OSError as error:
        raise StoreError(
            f"the output folder {layout.root} cannot be written ({error.strerror or error}): "
            "change its permissions, or choose another folder"
        ) from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        lock.release()


@contextlib.contextmanager
def _held_if_possible(layout: Layout) -> Iterator[None]:
    """Hold the folder's own lock, unless its file system has no locks: that is what the variable is for."""
    from filelock import FileLock, Timeout

    lock = FileLock(layout.lock)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise _busy(layout) from None
    except (OSError, NotImplementedError):
        yield
        return
    try:
        yield
    finally:
        layout.lock.unlink(missing_ok=True)
        lock.release()


def _write_holder(layout: Layout, lock: Path) -> None:
    holder = Holder(lock=str(lock), machine=platform.node())
    try:  # where it is, for whoever reads it holds the folder's lock; nothing partial is left beside it
        layout.holder.write_text(holder.model_dump_json())
    except OSError as error:
        raise StoreError(f"cannot write {layout.holder}: {error.strerror or error}") from error


def _refuse_holder(layout: Layout, but: Path | None = None) -> None:
    """Refuse a folder in which a command works that holds a lock elsewhere on this machine."""
    from filelock import FileLock, Timeout

    try:
        holder = read_json(layout.holder, Holder)
    except StoreError:
        return  # nobody's lock has such a name
    if holder is None or holder.machine != platform.node() or holder.lock == str(but):
        return
    path = Path(holder.lock)
    if path.is_file():
        try:
            with FileLock(path, blocking=False):
                pass
        except Timeout:
            raise _busy(layout) from None
        except OSError:
            raise _busy(layout) from None  # of another user's, say: it is there, so it may be held
    with contextlib.suppress(StoreError):
        remove(layout.holder)  # of a command that was killed


def _busy(layout: Layout) -> StoreError:
    return StoreError(f"another run works in {layout.root}: wait for it, or choose another folder")


def _elsewhere(layout: Layout) -> Path | None:
    folder = os.environ.get(FOLDER)
    if not folder:
        return None
    return Path(folder).absolute() / f"{hashlib.sha256(os.fsencode(layout.root.resolve())).hexdigest()[:16]}.lock"
