"""MirrorNote: what a folder that holds a copy of a dataset says of it, to the next one who copies into it."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from vecmill.errors import StoreError
from vecmill.inside import is_inside
from vecmill.store.json import read_json

if TYPE_CHECKING:
    from pathlib import Path

    from vecmill.records import Manifest
    from vecmill.store.layout import Layout


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
