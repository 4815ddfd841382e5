"""Opening: a finished dataset, by its folder."""

from __future__ import annotations

from pathlib import Path

from vecmill.records import Dataset
from vecmill.store.json import finished_manifest
from vecmill.store.layout import Layout


def open_dataset(path: str | Path) -> Dataset:
    """Open a finished dataset: what its manifest says. No row is read, and nothing is checked; ``verify`` does that.

    Raises:
        StoreError: There is no finished dataset, or its manifest cannot be read.
    """
    layout = Layout(Path(path))
    return Dataset(layout.root, finished_manifest(layout))
