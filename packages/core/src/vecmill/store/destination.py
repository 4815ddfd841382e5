"""Destination: the folder that a dataset goes into, whose it is, who works in it, and what a copy notes there."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from vecmill.errors import PublishError, StoreError
from vecmill.sanitize import is_inside
from vecmill.store.card import read_user_section
from vecmill.store.files import read_json, read_manifest, read_text, remove_file
from vecmill.store.layout import Layout
from vecmill.store.state import clear_state, intact, read_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vecmill.records import Manifest


class MirrorNote(BaseModel):
    """What was copied into a folder. It stays there: the folder is known for a copy by it, and not for the original.

    Attributes:
        run_id: Of the run that was copied.
        folder: The hash of the folder that it was copied from.
        recipe: The hash of the recipe that it was made by.
        files: Every file of the copy, and of the one before it while it is being replaced.
        user_section: The hash of the user's part of the card, as it was copied.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: str
    folder: str
    recipe: str
    files: tuple[str, ...] = ()
    user_section: str = Field("", validation_alias=AliasChoices("user_section", "own"))

    def follows(self, dataset: Path, manifest: Manifest) -> bool:
        """Whether a dataset is the next one of those in the folder: from the same folder, or of the same recipe."""
        return self.folder == hash_folder(dataset) or self.recipe == hash_recipe(manifest)


def read_note(layout: Layout) -> MirrorNote | None:
    """Return the note of a folder; ``None`` if it has none, or one that cannot be read, which proves nothing."""
    try:
        note = read_json(layout.mirror, MirrorNote)
    except StoreError:
        return None
    return note if note and all(map(may_hold, note.files)) else None


def may_hold(path: str) -> bool:
    """Whether a file of a dataset may have this path, below its folder: nothing else is ever written or removed."""
    inside = is_inside(path) and not any(part.startswith(".") for part in path.split("/"))
    return inside and (path == "quarantine.parquet" or (path.startswith("data/") and path.endswith(".parquet")))


def hash_folder(folder: Path) -> str:
    """Hash the path of a folder: a copy may be passed on, and is to name no folder of this machine."""
    return hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()


def hash_recipe(manifest: Manifest) -> str:
    """Hash what a job says of its dataset; which revision of the source it read is left out, as is its content."""
    source = {key: value for key, value in manifest.recipe.get("source", {}).items() if key != "revision"}
    return hash_text(json.dumps({**manifest.recipe, "source": source}, sort_keys=True, default=str))


def hash_text(text: str) -> str:
    """Hash a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


SHARD = re.compile(r"data/train-\d{5,}-of-\d{5,}\.parquet")
"""A shard as a run names it."""
SHOWN = 3


def refuse_foreign_folder(layout: Layout) -> None:
    """Refuse a folder that is not empty and that holds nothing of vecmill's: no run, no dataset, no copy of one.

    The file that says so has to be readable: a damaged file of such a name proves nothing.

    Raises:
        StoreError: Names what is there.
    """
    if any(found is not None for found in (read_manifest(layout), read_state(layout), read_note(layout))):
        return
    try:
        names = sorted(path.name for path in layout.root.iterdir() if not _is_trace(layout, path))
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(
            f"{layout.root} cannot be used as a folder ({error.strerror or error}): choose another one"
        ) from error
    if names:
        raise StoreError(
            f"{layout.root} is not empty, and holds no run of vecmill (it has {_show_names(names)}): "
            "choose another folder"
        )


def check_files(dataset: Path, manifest: Manifest) -> None:
    """Refuse a dataset that is not what its run wrote: what a publisher calls before it delivers one.

    Args:
        dataset: The dataset's folder.
        manifest: Its manifest, which says the size and the sha256 of every file.

    Raises:
        PublishError: Names a file that is missing, changed or damaged.
    """
    entries = [*manifest.shards, *([manifest.quarantine] if manifest.quarantine else [])]
    damaged = [dataset / entry.path for entry in entries if not intact(Layout(dataset), entry)]
    if damaged:
        others = f", and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        raise PublishError(
            f"{damaged[0]} is missing, changed or damaged{others}: nothing was published. Run its job again, which "
            "makes it again"
        )


def check_folder(layout: Layout) -> None:
    """Refuse, before the work, a folder that could not take a dataset.

    Raises:
        StoreError: It cannot be written, or holds what vecmill did not write.
    """
    refuse_unwritable(layout.root)
    refuse_foreign_folder(layout)


def is_same_folder(one: Path, other: Path) -> bool:
    """Whether two paths lead to one folder, however either of them is written."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def refuse_unwritable(root: Path) -> None:
    """Refuse a folder that could not be written, whether it is there already or not.

    Raises:
        StoreError: Names it.
    """
    nearest = next(path for path in (root, *root.parents) if os.path.lexists(path))
    if not nearest.is_dir():
        raise StoreError(
            f"the output folder {root} cannot be written ({nearest} is not a folder): choose another folder"
        )
    if not os.access(nearest, os.W_OK | os.X_OK):
        reason = errno.EROFS if os.statvfs(nearest).f_flag & os.ST_RDONLY else errno.EACCES
        raise StoreError(
            f"the output folder {root} cannot be written ({os.strerror(reason)}): change its permissions, or choose "
            "another folder"
        )


def clear(layout: Layout) -> None:
    """Remove a dataset: the files that a run or a copy writes, and nothing else. A card with a user section stays.

    What says whose files these are goes last: killed half way, the folder is still known for what it is.
    """
    note = read_note(layout)
    shards = [path for path in layout.data.glob("train-*-of-*.parquet") if SHARD.fullmatch(layout.relative(path))]
    for path in [*shards, *(layout.root / name for name in (note.files if note else ()))]:
        remove_file(path)
    if layout.data.is_dir() and not layout.data.is_symlink() and not any(layout.data.iterdir()):
        layout.data.rmdir()
    card = [] if read_user_section(read_text(layout.card)) else [layout.card]
    for path in (*card, layout.quarantine, layout.sent, layout.local_options, layout.manifest):
        remove_file(path)
    clear_state(layout)
    remove_file(layout.mirror)


def list_parquet_files(layout: Layout) -> Iterator[str]:
    """Yield the Parquet files that readers of a dataset folder would read, whoever wrote them, by relative path."""
    for folder, _, names in os.walk(layout.data):
        for name in names:
            if name.lower().endswith(".parquet"):
                yield layout.relative(Path(folder) / name)


def _is_trace(layout: Layout, path: Path) -> bool:
    """Whether a file is vecmill's: a lock, files of a run that had not begun, a card of ours."""
    if path == layout.card:
        return read_user_section(read_text(path)) is not None
    empty = path == layout.data and path.is_dir() and not any(path.iterdir())
    return empty or path in {layout.lock, layout.holder, layout.state}


def _show_names(names: list[str]) -> str:
    return ", ".join(names[:SHOWN])


LOCKS_FOLDER = "VECMILL_LOCKS"
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
    without the variable, or with another value of it, finds it there. The folder's lock is then held for as long as
    it takes to write that.

    Raises:
        StoreError: Another command works in it, it cannot be written, or what is to be written there is a link.
    """
    _refuse_links(layout)
    other_lock = _find_other_lock(layout)
    if other_lock is None:
        with _hold_lock(layout, layout.lock):
            _refuse_holder(layout)
            yield
        return
    with _hold_lock(layout, other_lock):
        with _held_if_possible(layout):
            _refuse_holder(layout, but=other_lock)
            _write_holder(layout, other_lock)
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
    """Hold the folder's lock, unless its file system has no locks: that is what the variable is for."""
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
            f"the folder that {LOCKS_FOLDER} names, {os.fsencode(lock.parent)!r}, is not UTF-8: rename it, or name "
            "another"
        ) from None
    try:  # where it is, as whoever reads it holds the folder's lock; no partial file is left
        layout.holder.unlink(missing_ok=True)  # it may have a second name in another folder
        layout.holder.write_text(holder.model_dump_json(), encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write {layout.holder}: {error.strerror or error}") from error


def _refuse_holder(layout: Layout, but: Path | None = None) -> None:
    """Refuse a folder in which a command works that holds another lock on this machine."""
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


def _find_other_lock(layout: Layout) -> Path | None:
    folder = os.environ.get(LOCKS_FOLDER)
    if not folder:
        return None
    return Path(folder).absolute() / f"{hashlib.sha256(os.fsencode(layout.root.resolve())).hexdigest()[:16]}.lock"


def _refuse_links(layout: Layout) -> None:
    """Refuse a folder whose notes are links: what is written or removed there would be somebody's in another folder.

    vecmill makes none. A folder that somebody else made, or that was unpacked, may have them.
    """
    notes = [layout.lock, layout.holder, layout.state]
    if not layout.state.is_symlink():
        notes += [Path(here) / name for here, folders, names in os.walk(layout.state) for name in [*folders, *names]]
    linked = [path for path in notes if path.is_symlink()]
    if linked:
        raise StoreError(f"{linked[0]} is a link, and vecmill makes none there: remove it, or choose another folder")
