"""Lock: one command at a time works in a dataset folder."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from vecmill.errors import StoreError
from vecmill.store.files import remove_file
from vecmill.store.json import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vecmill.store.layout import Layout

FOLDER = "VECMILL_LOCKS"
"""A variable with a folder for locks, for datasets on a file system where no file may be held open."""


_LOCK = re.compile(r"[0-9a-f]{16}\.lock")
"""The name of a lock in that folder."""


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
def lock_folder(layout: Layout) -> Iterator[None]:
    """Hold a dataset folder, creating it if need be. A killed holder's lock is free at once.

    With ``VECMILL_LOCKS`` the lock is a file in the folder that it names, and the dataset folder says which: a command
    without the variable, or with another value of it, looks there. The folder's own lock is then held for as long as
    it takes to write that.

    Raises:
        StoreError: Another command works in it, it cannot be written, or what is to be written there is a link.
    """
    _refuse_links(layout)
    elsewhere = _elsewhere(layout)
    if elsewhere is None:
        with _hold_lock(layout, layout.lock):
            _refuse_holder(layout)
            yield
        return
    with _hold_lock(layout, elsewhere):
        with _held_if_possible(layout):
            _refuse_holder(layout, but=elsewhere)
            _write_holder(layout, elsewhere)
        try:
            yield
        finally:
            with contextlib.suppress(StoreError):  # it is read as what it is: of a lock that nobody holds
                remove_file(layout.holder)


@contextlib.contextmanager
def locked_to_read(layout: Layout) -> Iterator[None]:
    """Hold a dataset folder that is read and not written: it may be on a disk that nobody writes, or be another user's.

    Raises:
        StoreError: Another command works in it.
    """
    if os.access(layout.root, os.W_OK | os.X_OK):
        with lock_folder(layout):
            yield
        return
    _refuse_holder(layout)
    with _share_lock(layout):
        yield


@contextlib.contextmanager
def _share_lock(layout: Layout) -> Iterator[None]:
    """Hold the lock's file if there is one, as others may who read: nothing is written, and who writes is refused."""
    try:
        import fcntl

        descriptor = os.open(layout.lock, os.O_RDONLY | os.O_NOFOLLOW)
    except (ImportError, OSError):  # nobody works there, or this user cannot know
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno in {errno.EACCES, errno.EAGAIN}:
            raise _busy(layout) from None
        yield  # a file system without locks
        return
    try:
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _hold_lock(layout: Layout, path: Path) -> Iterator[None]:
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
    try:  # in UTF-8, whatever encoding this command has for names: another one may have another
        holder = Holder(lock=os.fsencode(lock).decode(), machine=platform.node())
    except UnicodeDecodeError:
        raise StoreError(
            f"the folder that {FOLDER} names, {os.fsencode(lock.parent)!r}, is not UTF-8: rename it, or name another"
        ) from None
    try:  # where it is, for whoever reads it holds the folder's lock; nothing partial is left beside it
        layout.holder.unlink(missing_ok=True)  # it may have a second name elsewhere
        layout.holder.write_text(holder.model_dump_json(), encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write {layout.holder}: {error.strerror or error}") from error


def _refuse_holder(layout: Layout, but: Path | None = None) -> None:
    """Refuse a folder in which a command works that holds a lock elsewhere on this machine."""
    from filelock import FileLock, Timeout

    try:
        holder = read_json(layout.holder, Holder)
    except StoreError:
        return  # nobody's lock has such a name
    if holder is None or holder.machine != platform.node():
        return
    path = Path(os.fsdecode(holder.lock.encode()))
    if path == but:
        return
    if _LOCK.fullmatch(path.name) and path.is_file() and not path.is_symlink():  # any other file is no lock of ours
        try:
            with FileLock(path, blocking=False):
                pass
        except Timeout:
            raise _busy(layout) from None
        except OSError:
            raise _busy(layout) from None  # of another user's, say: it is there, so it may be held
    with contextlib.suppress(StoreError):
        remove_file(layout.holder)  # of a command that was killed


def _busy(layout: Layout) -> StoreError:
    return StoreError(f"another run works in {layout.root}: wait for it, or choose another folder")


def _elsewhere(layout: Layout) -> Path | None:
    folder = os.environ.get(FOLDER)
    if not folder:
        return None
    return Path(folder).absolute() / f"{hashlib.sha256(os.fsencode(layout.root.resolve())).hexdigest()[:16]}.lock"


def _refuse_links(layout: Layout) -> None:
    """Refuse a folder whose own notes are links: what is written or removed there would be somebody's elsewhere.

    vecmill makes none. A folder that somebody else made, or that was unpacked, may have them.
    """
    own = [layout.lock, layout.holder, layout.state]
    if not layout.state.is_symlink():
        own += [Path(here) / name for here, folders, names in os.walk(layout.state) for name in [*folders, *names]]
    linked = [path for path in own if path.is_symlink()]
    if linked:
        raise StoreError(f"{linked[0]} is a link, and vecmill makes none there: remove it, or choose another folder")
