"""SavedConfig: a folder written by ``datasets.save_to_disk``, and which part of it."""

from __future__ import annotations

from vecmill.sources.config import FilesConfig


class SavedConfig(FilesConfig):
    """Options of a saved dataset.

    Attributes:
        path: The folder given to ``save_to_disk``.
        split: Which split, if it holds several.
    """

    path: str
    split: str | None = None
