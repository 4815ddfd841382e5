"""Identity: what makes a run this one, how it compares with an earlier run, and what its manifest shows of paths."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path, PurePath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from vecmill.errors import ConfigError
from vecmill.records.manifest import SOMEWHERE
from vecmill.records.model import describe_weights
from vecmill.sanitize import require_utf8
from vecmill.store.files import read_manifest
from vecmill.store.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from vecmill.job.config import Job
    from vecmill.protocols import Component
    from vecmill.records import Manifest, ModelInfo


DIGITS = 8
"""Of the hash by which two paths are told apart."""
_PRIVATE = re.compile(r"[/\\~]|\.\.(?:[/\\]|$)|[A-Za-z]:[/\\]")
_ADDRESS = re.compile(r"(?!hf://datasets/)[A-Za-z][A-Za-z0-9+.-]*://")


def find_location_options(part: Component[Any]) -> frozenset[str]:
    """Return the options that say where things are: those in ``location``, and those that hold a ``pathlib`` path."""
    return part.location | find_path_options(part.config)


def find_path_options(config: BaseModel) -> frozenset[str]:
    """Return the options that hold a ``pathlib`` path, at any depth."""
    return frozenset(key for key, value in config if _holds_path(value))


def _holds_path(value: object) -> bool:
    if isinstance(value, BaseModel):
        return bool(find_path_options(value))
    if isinstance(value, Mapping):
        return any(map(_holds_path, value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_holds_path, value))
    return isinstance(value, PurePath)


def hide_options(options: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """Return the options, among those that say where things are, that others may not read in full."""
    return {key: options[key] for key in options if key in names and make_public(options[key]) != options[key]}


def make_public(value: Any) -> Any:  # noqa: ANN401 - an option is anything that JSON holds
    """Return what others may read of a location: of a path its last part, of an address nothing.

    A path below the folder in which the command was given stays, and so does what is on the Hub.
    """
    return _map_texts(value, lambda text: None if _ADDRESS.match(text) else _take_last(text))


def distinguish_value(value: Any) -> Any:  # noqa: ANN401 - (the same)
    """Return what others may read of a location, with a hash where that is not all: other locations differ."""

    def distinguish(text: str) -> str:
        shown = make_public(text)
        return text if shown == text else f"{shown or ''}#{_hash(text)}"

    return _map_texts(value, distinguish)


def remove_folders(value: Any) -> Any:  # noqa: ANN401 - (the same)
    """Return a path that leads anywhere on this machine without the folders it is in; anything else as it is."""
    return _map_texts(value, _take_last)


def _map_texts(value: Any, change: Callable[[str], str | None]) -> Any:  # noqa: ANN401 - (the same)
    if isinstance(value, list):
        return [_map_texts(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _map_texts(item, change) for key, item in value.items()}
    return change(value) if isinstance(value, str) else value


def _take_last(text: str) -> str:
    # Windows' rules take both kinds of slashes.
    return SOMEWHERE + PureWindowsPath(text).name if _PRIVATE.match(text) else text


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]


_SHA256 = re.compile(r"[0-9a-f]{64}")
_REASONS = {
    "content": "content (the source has changed)",
    "files": "files (it was made before vecmill noted the model's tokenizer and settings)",
}


def describe_recipe(job: Job, parts: Mapping[str, Component[Any]]) -> dict[str, Any]:
    """Return every option of the run, in JSON types: the manifest's ``recipe``; of locations what others may read."""
    described = {kind: _describe_publicly(part) for kind, part in parts.items()}
    return {**described, "shards": job.shards.model_dump(), "truncate": job.truncate}


def describe_identity(
    job: Job, parts: Mapping[str, Component[Any]], fingerprint: str, model: ModelInfo
) -> dict[str, Any]:
    """Return what decides the bytes that come out: options without ``location``, content, model revision.

    A folder of weights may lie elsewhere on another machine, so the model's digest counts, not its path; so do those of
    its tokenizer and its settings, each under its name, so that a difference can be named. A path that
    its author has not put in ``location`` counts: its content may decide the result. Others see its hash.
    """
    return {
        **{kind: _describe_decisive(part) for kind, part in parts.items()},
        "shards": job.shards.model_dump(),
        "truncate": job.truncate,
        "content": fingerprint,
        "weights": describe_weights(model),
        **({"files": model.files} if model.files else {}),
    }


def describe_difference(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """Describe in which keys two identities differ."""
    unnamed = "files" in mine and "files" not in theirs
    left, right = _flatten_keys({**mine, "files": ()} if unnamed else mine), _flatten_keys(theirs)
    keys = [key for key in sorted(left | right) if left.get(key) != right.get(key)]
    return ", ".join(_describe_key(key, right.get(key), left.get(key)) for key in keys[:4]) or "nothing"


def _describe_key(key: str, there: object, now: object) -> str:
    return _REASONS.get(key) or f"{key} ({_show_value(there)} there, {_show_value(now)} now)"


def _show_value(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, str) and _SHA256.fullmatch(value):
        return f"{value[:8]}…"
    return json.dumps(value, ensure_ascii=False, default=str)


def _flatten_keys(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flatten_keys(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _describe_publicly(part: Component[Any]) -> dict[str, Any]:
    options = _describe_component(part)
    return options | {
        key: make_public(value) for key, value in hide_options(options, find_location_options(part)).items()
    }


def _describe_decisive(part: Component[Any]) -> dict[str, Any]:
    options = {key: value for key, value in _describe_component(part).items() if key not in part.location}
    return options | {
        key: distinguish_value(value) for key, value in hide_options(options, find_path_options(part.config)).items()
    }


def _describe_component(part: Component[Any]) -> dict[str, Any]:
    return {"name": part.name, "version": part.version, **part.config.model_dump(mode="json")}


DECISIVE = ("chunker", "embedder", "weights", "truncate")
"""What must be the same for a chunk to have the same vector, and for documents to be cut into the same chunks."""
FILES = "files"
"""The same for a model's tokenizer and settings, which datasets of the first versions do not name."""


def find_earlier(since: str | Path, identity: Mapping[str, Any], layout: Layout) -> tuple[Layout, Manifest]:
    """Find an earlier dataset whose vectors may be reused.

    Args:
        since: Its folder, or its repo on the Hub.
        identity: Of the run that is to reuse it.
        layout: Of that run's dataset.

    Raises:
        ConfigError: There is none, it has another model or other chunks, or it would be overwritten.
    """
    there = Layout(_find_folder(since))
    manifest = read_manifest(there)
    if manifest is None:
        raise ConfigError(f"--since {since}: there is no finished dataset: name its folder, or its repo on the Hub")
    if there.root == layout.root:
        raise ConfigError(f"--since {since}: the new dataset would be written to the same folder: choose another one")
    mine, theirs = select_decisive(identity, manifest.identity), select_decisive(manifest.identity, identity)
    if mine != theirs:
        raise ConfigError(
            f"--since {since}: its vectors cannot be reused, because it was made with other options ("
            f"{describe_difference(mine, theirs)}): make the job the same, or run without --since"
        )
    return there, manifest


def select_decisive(identity: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of an identity that decide its vectors, as far as another one can be compared with it."""
    keys = (*DECISIVE, FILES) if FILES in identity and FILES in other else DECISIVE
    return {key: identity.get(key) for key in keys}


def _find_folder(since: str | Path) -> Path:
    path = Path(since)
    if path.exists() or not _is_repo(str(since)):
        return Path(require_utf8(path.absolute()))
    return _download_dataset(str(since))


def _is_repo(name: str) -> bool:
    return name.count("/") == 1 and not name.startswith((".", "/", "~"))


def _download_dataset(repo: str) -> Path:
    """Download a published dataset into the Hub client's cache, as far as it is not there."""
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
            f"--since {repo}: there is no such folder, and the Hub gave no such dataset ({why}): check the name"
        ) from None
