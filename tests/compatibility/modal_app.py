"""The deployed app on Modal's double, over the fixed articles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compatibility.jobs import CORPUS, HERE
from stage import Stage

if TYPE_CHECKING:
    from pathlib import Path

    from doubles.modal import Plane

there = HERE / "before" / "modal"
"""What the version before left."""
CHANGES = (
    'source.columns={id="key",text="body"}',
    "source.limit=9",
    "runtime.max_containers=1",
    'runtime.gpu=["A10G", "L4"]',
)


def stage(plane: Plane, folder: Path) -> Stage:
    """Put the articles on a Volume, and deploy the app for them."""
    made = Stage(plane, folder, documents=1, vectors="random")
    made.corpus.write_bytes((CORPUS / "articles.parquet").read_bytes())
    made.upload()
    made.modal("deploy", "-m", "apps.wikipedia", changes=CHANGES)
    return made
