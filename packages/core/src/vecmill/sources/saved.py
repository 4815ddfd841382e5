"""SavedSource: a folder written by ``datasets.save_to_disk``."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from vecmill.errors import ConfigError, SourceError
from vecmill.protocols import LOCATION
from vecmill.sanitize import is_inside
from vecmill.sources.files_source import FilesSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vecmill.files import File, Store


class SavedSource(FilesSource["SavedSource.Config"]):
    """A ``Dataset`` or one split of a ``DatasetDict``, read without the ``datasets`` library."""

    name = "saved"
    format = "vecmill.sources.arrow:ArrowFormat"

    class Config(FilesSource.Config):
        """Options of a saved dataset.

        Attributes:
            path: The folder given to ``save_to_disk``, on this machine or on the Hub (``hf://datasets/user/repo/…``).
            split: Which split, if it holds several.
        """

        path: Annotated[str, LOCATION]
        split: str | None = None

    @cached_property
    def files(self) -> Sequence[File]:
        """Its Arrow files, in the dataset's order.

        Raises:
            ConfigError: It is no such folder, or has no such split.
            SourceError: It was not saved completely.
        """
        folder = _find_dataset(self.store, self.config.path, self.config.split)
        state = _read_json(self.store, folder, "state.json") or {}
        if state.get("_indices_data_files"):
            raise ConfigError(
                f"{folder} was saved with its rows in another order than its files hold them: "
                "load it with datasets, call flatten_indices(), and save it again"
            )
        return [_find_data(self.store, folder, name) for name in _data_names(folder, state)]


def _find_dataset(store: Store, path: str, split: str | None) -> str:
    """Return the folder of the split, or the folder itself if it has no splits."""
    folder = store.normalize(path)
    if (listing := _read_json(store, folder, "dataset_dict.json")) is not None:
        splits = _splits(listing, f"{folder}/dataset_dict.json")
        if split is None and len(splits) == 1:
            return f"{folder}/{splits[0]}"
        if split not in splits:
            raise ConfigError(f'{folder} holds the splits {", ".join(splits)}; choose one: split = "{splits[0]}"')
        return f"{folder}/{split}"
    if store.find_file(folder, "state.json") is None:
        where = "" if store.shared else f" (the current folder is {Path.cwd()})"
        raise ConfigError(f"{folder} is not a folder written by save_to_disk{where}: name one")
    if split is not None:
        raise ConfigError(f"{folder} holds one dataset, without splits: take out split = {split!r}")
    return folder


def _splits(listing: dict[str, Any], label: str) -> list[str]:
    splits = listing.get("splits")
    if not (isinstance(splits, list) and splits):
        raise SourceError(f"{label} lists no splits: save the dataset again")
    return _check_inside(map(str, splits), label)


def _data_names(folder: str, state: dict[str, Any]) -> list[str]:
    try:
        names = [str(entry["filename"]) for entry in state["_data_files"]]
    except (KeyError, TypeError) as error:
        raise SourceError(f"{folder}/state.json lists no files: save the dataset again") from error
    return _check_inside(names, f"{folder}/state.json")


def _check_inside(names: Iterable[str], label: str) -> list[str]:
    found = list(names)
    if outside := [name for name in found if not is_inside(name)]:
        raise SourceError(f"{label} names {outside[0]!r}, which is not in its folder: save the dataset again")
    return found


def _find_data(store: Store, folder: str, name: str) -> File:
    found = store.find_file(folder, name)
    if found is None:
        raise SourceError(f"{folder}/{name} is not there: the dataset may not be saved completely")
    return found


def _read_json(store: Store, folder: str, name: str) -> dict[str, Any] | None:
    """Return what a file of JSON holds, or None if there is no such file."""
    file = store.find_file(folder, name)
    if file is None:
        return None
    with file.open() as stream:
        content = stream.read()
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{file} cannot be read: {error}: the dataset may not be saved completely") from error
    if not isinstance(found, dict):
        raise SourceError(f"{file} holds no JSON object: the dataset may not be saved completely")
    return found
