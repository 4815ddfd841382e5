"""Earlier run: the dataset that ``--since`` names, and whether its vectors fit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vecmill.errors import ConfigError
from vecmill.expand import writable_down
from vecmill.job.identity import difference
from vecmill.store.json import read_manifest
from vecmill.store.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vecmill.records import Manifest


DECISIVE = ("chunker", "embedder", "weights", "truncate")
"""What must be the same for a chunk to have the same vector, and for chunks to be cut alike."""
FILES = "files"
"""The same of a model's tokenizer and settings, which datasets of the first versions do not name."""


def earlier(since: str | Path, identity: Mapping[str, Any], layout: Layout) -> tuple[Layout, Manifest]:
    """Find an earlier dataset whose vectors may be used again.

    Args:
        since: Its folder, or its repo on the Hub.
        identity: Of the run that is to use it.
        layout: Where that run makes its dataset.

    Raises:
        ConfigError: There is none, its model or its chunks are others, or it would be overwritten.
    """
    there = Layout(_folder(since))
    manifest = read_manifest(there)
    if manifest is None:
        raise ConfigError(f"--since {since}: there is no finished dataset; name its folder, or its repo on the Hub")
    if there.root == layout.root:
        raise ConfigError(f"--since {since}: the new dataset would be made in the same folder; choose another for it")
    mine, theirs = select_decisive(identity, manifest.identity), select_decisive(manifest.identity, identity)
    if mine != theirs:
        raise ConfigError(
            f"--since {since}: its vectors cannot be used again, for they were made otherwise: "
            f"{difference(mine, theirs)}. Make the job the same, or run without --since"
        )
    return there, manifest


def select_decisive(identity: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of an identity that decide its vectors, as far as another one can be compared with it."""
    keys = (*DECISIVE, FILES) if FILES in identity and FILES in other else DECISIVE
    return {key: identity.get(key) for key in keys}


def _folder(since: str | Path) -> Path:
    path = Path(since)
    if path.exists() or not _is_repo(str(since)):
        return Path(writable_down(path.absolute()))
    return _download_dataset(str(since))


def _is_repo(name: str) -> bool:
    return name.count("/") == 1 and not name.startswith((".", "/", "~"))


def _download_dataset(repo: str) -> Path:
    """Bring a published dataset into the Hub client's cache; what is there already is not fetched again."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    from vecmill.files.hub_repo import describe_unusable_home

    try:
        folder = Path(snapshot_download(repo, repo_type="dataset", allow_patterns=["manifest.json"]))
        manifest = read_manifest(Layout(folder))
        shards = [entry.path for entry in manifest.shards] if manifest else []
        return Path(snapshot_download(repo, repo_type="dataset", revision=folder.name, allow_patterns=shards))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        why = describe_unusable_home(error) or error
        raise ConfigError(
            f"--since {repo}: there is no such folder, and no such dataset could be had from the Hub: {why}"
        ) from None
