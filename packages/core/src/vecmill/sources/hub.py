"""HubSource: a dataset of the Hugging Face Hub, by configuration, split and revision."""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from vecmill.errors import ConfigError
from vecmill.protocols import Source
from vecmill.sources.base import SourceConfig, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from vecmill.files import HubFile, HubRepo
    from vecmill.records import Partition, Terms
    from vecmill.sources.hub_stream import HubStream
    from vecmill.sources.parquet import ParquetFormat


class Found(NamedTuple):
    """A split at a commit, and its Parquet files; none if it is in another format."""

    repo: HubRepo
    config: str | None
    files: Sequence[HubFile]


class HubSource(Source["HubSource.Config"]):
    """A split of a dataset, at the commit its revision means when the run begins.

    Parquet files are read by ``ParquetFormat`` where they are; so is the Hub's own Parquet copy of a dataset in another
    format, if it has one. What is left is streamed by the ``datasets`` library: see ``HubStream`` for the reason.
    """

    name = "hub"

    class Config(SourceConfig):
        """Options of a dataset of the Hub.

        Attributes:
            repo: ``user/name``.
            config: Its configuration, if it has several, such as ``20231101.en``.
            split: Its split.
            revision: A branch, a tag or a commit; by default the newest commit.
        """

        repo: str
        config: str | None = None
        split: str = "train"
        revision: str | None = None

    def pinned(self) -> Config:
        """Return the options with the repo's full name, the configuration's name and the commit."""
        found = self._found
        return self.config.model_copy(
            update={"repo": found.repo.id, "revision": found.repo.sha, "config": found.config}
        )

    def terms(self) -> Terms:
        """Return what the dataset's card states, or what the job states."""
        from vecmill.files.hub_repo import read_terms

        if self.config.license and self.config.language:
            card = {}
        else:
            with self._translate_errors():
                card = self._read_card()
        return read_terms(card, self.config.config).but(self.config.license, self.config.language)

    def fingerprint(self) -> str:
        """Hash the commit and the options that choose from it."""
        return fingerprint(self, self.pinned(), content=None)

    def partitions(self, target_bytes: int) -> Iterator[Partition]:
        """Split the files by row group."""
        with self._translate_errors():
            reader = self._parquet if self._found.files else self._stream
            yield from reader.partitions(target_bytes)

    def count(self) -> int | None:
        """Return the number of rows that the Parquet files say they have, up to the limit."""
        with self._translate_errors():
            return self._parquet.count() if self._found.files else None

    def read(self, partition: Partition) -> Iterator[pa.RecordBatch]:
        """Stream one partition's documents."""
        with self._translate_errors():
            if "shards" in partition.where:
                yield from self._stream.read(*partition.where["shards"])
            else:
                yield from self._parquet.read(partition)

    @cached_property
    def _found(self) -> Found:
        from vecmill.files import HubRepo

        wanted = self.config
        with self._translate_errors():
            repo = HubRepo(wanted.repo, wanted.revision)
            config, files = layout(repo, wanted.config, wanted.split)
            if files or wanted.revision or not (copy := HubRepo.find(wanted.repo, CONVERTED)):
                return Found(repo, config, files)
            converted = layout(copy, config, wanted.split)
            return Found(copy, *converted) if converted.files else Found(repo, config, files)

    def _read_card(self) -> dict[str, Any]:
        """Return the front matter of the dataset's card. The Hub's Parquet copy has none: that of the newest commit."""
        from vecmill.files import HubRepo

        return self._found.repo.card or HubRepo(self.config.repo, None).card

    @cached_property
    def _parquet(self) -> ParquetFormat:
        from vecmill.sources.parquet import ParquetFormat

        return ParquetFormat(self._found.files, self.config)

    @cached_property
    def _stream(self) -> HubStream:
        from vecmill.sources.hub_stream import HubStream

        return HubStream(self.pinned())

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        from vecmill.files import reading

        with reading(self.config.repo, self.config.revision):
            yield


CONVERTED = "refs/convert/parquet"
# The Hub's own Parquet branch: config/split/0000.parquet.
CONVERTED_FILE = re.compile(r"([^/]+)/\d{4,}\.parquet")
SHARDED = re.compile(r"([\w.]+)-\d{5,}-of-\d{5,}[^/]*")
WORDS = {
    "train": "train|training",
    "validation": "validation|valid|dev|val",
    "test": "test|testing|eval|evaluation",
}
KEYWORDS = {split: re.compile(rf"(?:^|[-._ 0-9/])(?:{words})(?:[-._ 0-9/]|$)") for split, words in WORDS.items()}


class Layout(NamedTuple):
    """Where a split is.

    Attributes:
        config: The configuration's name, if the repo has any.
        files: Its Parquet files; none if it is in another format.
    """

    config: str | None
    files: Sequence[HubFile]


def layout(repo: HubRepo, config: str | None, split: str) -> Layout:
    """Find a split's Parquet files: where the card says, else where the names say.

    Raises:
        ConfigError: There is no such configuration or split; names those there are.
    """
    declared = {str(entry["config_name"]): entry for entry in repo.card.get("configs") or [] if "config_name" in entry}
    if not declared:
        return _infer_layout(repo, config, split)
    name = _choose(config, declared, repo.id)
    entry = declared[name]
    folder = f"{entry['data_dir'].strip('/')}/" if entry.get("data_dir") else ""
    patterns = _patterns(entry.get("data_files"))
    if not patterns:
        return Layout(name, _by_name(list(repo.below(folder)), folder, split, repo.id))
    if split not in patterns:
        raise _none_such(repo.id, "split", split, patterns)
    return Layout(name, _matching(repo, [folder + pattern for pattern in patterns[split]]))


def _infer_layout(repo: HubRepo, config: str | None, split: str) -> Layout:
    """Take folders for configurations, if they are named or look like it."""
    files = [file for file in repo.below("") if file.name.endswith(".parquet")]
    folders = [file.name.partition("/")[0] for file in files if CONVERTED_FILE.fullmatch(file.name.partition("/")[2])]
    if config is None and folders:
        config = _choose(None, {name: {} for name in folders}, repo.id)
    folder = f"{config}/" if config else ""
    mine = [file for file in files if file.name.startswith(folder)]
    if config == "default" and not mine:
        folder, mine = "", files
    if config and files and not mine:
        folders = sorted({file.name.partition("/")[0] for file in files if "/" in file.name})
        raise _none_such(repo.id, "configuration", config, folders)
    return Layout(config, _by_name(mine, folder, split, repo.id))


def _choose(config: str | None, known: Mapping[str, Mapping[str, Any]], repo: str) -> str:
    if config is None:
        preferred = [name for name, entry in known.items() if len(known) == 1 or entry.get("default")]
        preferred += [name for name in known if name == "default"]
        if preferred:
            return preferred[0]
        names = ", ".join(known)
        raise ConfigError(f'the dataset {repo!r} has several configurations: {names}; choose one: config = "..."')
    if config not in known:
        raise _none_such(repo, "configuration", config, known)
    return config


def _none_such(repo: str, noun: str, wanted: str, known: Iterable[str]) -> ConfigError:
    names = ", ".join(known) or "none by name"
    return ConfigError(f"the dataset {repo!r} has no {noun} {wanted!r}; it has {names}: name another")


def _patterns(declared: object) -> dict[str, list[str]]:
    """Return the patterns of each split; without splits, all is ``train``."""
    patterns: dict[str, list[str]] = {}
    for entry in _as_list(declared):
        split, paths = (entry.get("split"), entry.get("path")) if isinstance(entry, dict) else ("train", entry)
        patterns.setdefault(str(split), []).extend(map(str, _as_list(paths)))
    return patterns


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value] if value else []


def _matching(repo: HubRepo, patterns: list[str]) -> list[HubFile]:
    if any("://" in pattern for pattern in patterns):
        return []
    files = list({file.path: file for pattern in patterns for file in repo.glob(pattern)}.values())
    if not files:
        raise ConfigError(
            f"the dataset {repo.id!r} has no file that matches {', '.join(patterns)}, as its card says: report it to "
            "its authors"
        )
    return files if all(file.name.endswith(".parquet") for file in files) else []


def _by_name(files: Sequence[HubFile], folder: str, split: str, repo: str) -> list[HubFile]:
    """Group Parquet files by the split their names tell; if none does, all are ``train``."""
    splits: dict[str | None, list[HubFile]] = {}
    for file in files:
        if file.name.endswith(".parquet"):
            splits.setdefault(_split_of(file.name.removeprefix(folder)), []).append(file)
    if not splits:
        return []
    named = {name: found for name, found in splits.items() if name} or {"train": splits[None]}
    if f"partial-{split}" in named:
        # The Hub converted only the beginning of it.
        return []
    if split not in named:
        raise _none_such(repo, "split", split, named)
    return named[split]


def _split_of(name: str) -> str | None:
    if found := CONVERTED_FILE.fullmatch(name) or SHARDED.fullmatch(name.removeprefix("data/")):
        return found[1]
    parent, _, base = name.rpartition("/")
    return next((split for part in (parent, base) for split, word in KEYWORDS.items() if word.search(part)), None)
