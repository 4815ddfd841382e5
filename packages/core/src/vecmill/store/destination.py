"""Destination: the folder that a dataset goes into, whose it is, and what a copy notes there."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from vecmill.errors import PublishError, StoreError
from vecmill.paths import is_inside
from vecmill.store.card import own_text
from vecmill.store.files import read_text, remove_file
from vecmill.store.json import read_json, read_manifest
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
        own: The hash of the user's part of the card, as it was copied.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: str
    folder: str
    recipe: str
    files: tuple[str, ...] = ()
    own: str = ""

    def follows(self, dataset: Path, manifest: Manifest) -> bool:
        """Whether a dataset is the next one of those in the folder: from the same folder, or of the same recipe."""
        return self.folder == folder_hash(dataset) or self.recipe == recipe_hash(manifest)


def read_note(layout: Layout) -> MirrorNote | None:
    """Return the note of a folder; ``None`` if it has none, or one that cannot be read, which vouches for nothing."""
    try:
        note = read_json(layout.mirror, MirrorNote)
    except StoreError:
        return None
    return note if note and all(map(may_hold, note.files)) else None


def may_hold(path: str) -> bool:
    """Whether a file of a dataset may have this path, below its folder: nothing else is ever written or removed."""
    inside = is_inside(path) and not any(part.startswith(".") for part in path.split("/"))
    return inside and (path == "quarantine.parquet" or (path.startswith("data/") and path.endswith(".parquet")))


def folder_hash(folder: Path) -> str:
    """Hash the place of a folder: a copy may be passed on, and is to name no folder of this machine."""
    return hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()


def recipe_hash(manifest: Manifest) -> str:
    """Hash what a job says of its dataset; which revision of the source it read is left out, as is its content."""
    source = {key: value for key, value in manifest.recipe.get("source", {}).items() if key != "revision"}
    return text_hash(json.dumps({**manifest.recipe, "source": source}, sort_keys=True, default=str))


def text_hash(text: str) -> str:
    """Hash a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


SHARD = re.compile(r"data/train-\d{5,}-of-\d{5,}\.parquet")
"""A shard as a run names it."""
SHOWN = 3


def refuse_strangers(layout: Layout) -> None:
    """Refuse a folder that is not empty and that holds nothing of vecmill's: no run, no dataset, no copy of one.

    What says that it does has to be readable: a damaged file of such a name vouches for nothing.

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
    """Remove a dataset: the files that a run or a copy writes, and nothing else. A card with words of its user's stays.

    What says whose files these are goes last: killed half way, the folder is still known for what it is.
    """
    note = read_note(layout)
    shards = [path for path in layout.data.glob("train-*-of-*.parquet") if SHARD.fullmatch(layout.relative(path))]
    for path in [*shards, *(layout.root / name for name in (note.files if note else ()))]:
        remove_file(path)
    if layout.data.is_dir() and not layout.data.is_symlink() and not any(layout.data.iterdir()):
        layout.data.rmdir()
    card = [] if own_text(read_text(layout.card)) else [layout.card]
    for path in (*card, layout.quarantine, layout.sent, layout.places, layout.manifest):
        remove_file(path)
    clear_state(layout)
    remove_file(layout.mirror)


def parquet_files(layout: Layout) -> Iterator[str]:
    """Yield the Parquet files that readers of a dataset folder would read, whoever wrote them, by relative path."""
    for folder, _, names in os.walk(layout.data):
        for name in names:
            if name.lower().endswith(".parquet"):
                yield layout.relative(Path(folder) / name)


def _is_trace(layout: Layout, path: Path) -> bool:
    """Whether a file tells of no stranger: a lock, files of a run that had not begun, a card of ours."""
    if path == layout.card:
        return own_text(read_text(path)) is not None
    empty = path == layout.data and path.is_dir() and not any(path.iterdir())
    return empty or path in {layout.lock, layout.holder, layout.state}


def _show_names(names: list[str]) -> str:
    return ", ".join(names[:SHOWN])
