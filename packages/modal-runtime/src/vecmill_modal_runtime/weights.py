"""Weights: a model is downloaded once, kept on the Volume, and read from each container's own disk.

From its own disk, for an engine maps its weights into memory, and a Volume with an open file cannot be
reloaded. The copies lie in the Hub client's cache, so whoever opens the model by its name finds them.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from vecmill.models import describe_model, fetch_model
from vecmill_modal_runtime.volume import WEIGHTS, commit, reload

PATTERNS = ["*.json", "*.txt", "*.model", "*.safetensors"]


def keep(model: str, revision: str | None) -> None:
    """Put a model of the Hub on the Volume, unless it is there.

    Args:
        model: A Hub id; a folder or a ``package:`` reference is in the image, and nothing is done.
        revision: The commit.
    """
    if not _of_hub(model) or (revision and _cache_path(model, revision).is_dir()):
        return
    snapshot = fetch_model(model, revision, PATTERNS)
    target = _cache_path(model, snapshot.name)
    if not target.is_dir():
        _copy(snapshot, target)
        commit()


def bring(model: str, revision: str | None) -> Path:
    """Return a folder of this container with the model, taken from the Volume if it is there."""
    if not _of_hub(model):
        return describe_model(model).root
    if revision:
        from huggingface_hub.constants import HF_HUB_CACHE

        reload()  # what a container sees at its start may be older than what the driver has put there
        kept = _cache_path(model, revision)
        near = Path(HF_HUB_CACHE) / kept.relative_to(WEIGHTS)
        if kept.is_dir() and not near.is_dir():
            _copy(kept, near)
        if near.is_dir():
            return near
    return fetch_model(model, revision, PATTERNS)


def _of_hub(model: str) -> bool:
    return not model.startswith("package:") and not Path(model).is_dir()


def _cache_path(model: str, revision: str) -> Path:
    return WEIGHTS / f"models--{model.replace('/', '--')}" / "snapshots" / revision


def _copy(source: Path, target: Path) -> None:
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(source, partial)  # links into the cache become the files they point to
    partial.rename(target)
