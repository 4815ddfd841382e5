"""Tests of vecmill.store.destination: whose is what a folder holds?"""

from __future__ import annotations

from small_dataset import small_dataset
from vecmill.store.destination import clear
from vecmill.store.layout import Layout


def test_only_shards_of_ours_are_cleared(tmp_path):
    """A file whose name is like a shard's is somebody's, and stays."""
    layout = Layout(small_dataset(tmp_path, 5).path)
    theirs = [layout.data / name for name in ("train-mine-of-2020.parquet", "train-00000-of-00001.parquet.bak")]
    for path in theirs:
        path.write_text("precious")
    clear(layout)
    assert sorted(path for path in layout.root.rglob("*") if path.is_file()) == sorted(theirs)
