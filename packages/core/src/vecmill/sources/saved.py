"""SavedSource: a folder written by ``datasets.save_to_disk``."""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vecmill.errors import ConfigError, SourceError
from vecmill.expand import expand_path
from vecmill.inside import is_inside
from vecmill.protocols import later
from vecmill.sources.files import File
from vecmill.sources.files_source import TableSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from vecmill.sources.options import SavedConfig
    from vecmill.sources.parquet_table import ArrowTable


class SavedSource(TableSource["SavedConfig"]):
    """A ``Dataset`` or one split of a ``DatasetDict``, read without the ``datasets`` library."""

    name = "saved"
    Config = later("vecmill.sources.options:SavedConfig")

    @cached_property
    def files(self) -> Sequence[File]:
        """Its Arrow files, in the dataset's order."""
        folder = _dataset(expand_path(self.config.path), self.config.split)
        state = _json(folder / "state.json")
        if state.get("_indices_data_files"):
            raise ConfigError(
                f"{folder} was saved with its rows in another order than its files hold them. "
                "Load it with datasets, call flatten_indices(), and save it again."
            )
        return [File(folder / name, name) for name in _names(folder, state)]

    @contextmanager
    def open_table(self, file: File) -> Iterator[ArrowTable]:
        """Open a file as a table."""
        from vecmill.sources.parquet_table import ArrowTable

        with file.open() as stream:
            yield ArrowTable(stream, str(file.path))


def _dataset(folder: Path, split: str | None) -> Path:
    """Return the folder of the split, or the folder itself if it has no splits."""
    if (folder / "dataset_dict.json").is_file():
        splits = _splits(folder)
        if split is None and len(splits) == 1:
            return folder / splits[0]
        if split not in splits:
            raise ConfigError(f'{folder} holds the splits {", ".join(splits)}. Choose one: split = "{splits[0]}".')
        return folder / str(split)
    if not (folder / "state.json").is_file():
        raise ConfigError(f"{folder} is not a folder written by save_to_disk (the current folder is {Path.cwd()}).")
    if split is not None:
        raise ConfigError(f"{folder} holds one dataset, without splits. Take out split = {split!r}.")
    return folder


def _splits(folder: Path) -> list[str]:
    splits = _json(folder / "dataset_dict.json").get("splits")
    if not (isinstance(splits, list) and splits):
        raise SourceError(f"{folder / 'dataset_dict.json'} lists no splits: save the dataset again.")
    return _inner(map(str, splits), folder / "dataset_dict.json")


def _names(folder: Path, state: dict[str, Any]) -> list[str]:
    try:
        names = [str(entry["filename"]) for entry in state["_data_files"]]
    except (KeyError, TypeError) as error:
        raise SourceError(f"{folder / 'state.json'} lists no files: save the dataset again.") from error
    return _inner(names, folder / "state.json")


def _inner(names: Iterable[str], listing: Path) -> list[str]:
    found = list(names)
    if outside := [name for name in found if not is_inside(name)]:
        raise SourceError(f"{listing} names {outside[0]!r}, which is not in its folder.")
    return found


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise SourceError(f"{path} cannot be read: {error}. The dataset may not be saved completely.") from error
    if not isinstance(found, dict):
        raise SourceError(f"{path} holds no JSON object. The dataset may not be saved completely.")
    return found
