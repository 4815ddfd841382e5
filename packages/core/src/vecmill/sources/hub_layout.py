"""Layout: which files of a repo are one split of one configuration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from vecmill.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vecmill.sources.hub_repo import HubFile, HubRepo

# The Hub's own Parquet branch: config/split/0000.parquet.
CONVERTED = re.compile(r"([^/]+)/\d{4,}\.parquet")
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
        return _undeclared(repo, config, split)
    name = _choose(config, declared, repo.id)
    entry = declared[name]
    folder = f"{entry['data_dir'].strip('/')}/" if entry.get("data_dir") else ""
    patterns = _patterns(entry.get("data_files"))
    if not patterns:
        return Layout(name, _by_name(list(repo.below(folder)), folder, split, repo.id))
    if split not in patterns:
        raise _none_such(repo.id, "split", split, patterns)
    return Layout(name, _matching(repo, [folder + pattern for pattern in patterns[split]]))


def _undeclared(repo: HubRepo, config: str | None, split: str) -> Layout:
    """Take folders for configurations, if they are named or look like it."""
    files = [file for file in repo.below("") if file.name.endswith(".parquet")]
    folders = [file.name.partition("/")[0] for file in files if CONVERTED.fullmatch(file.name.partition("/")[2])]
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
        raise ConfigError(f'The dataset {repo!r} has several configurations: {names}. Choose one: config = "...".')
    if config not in known:
        raise _none_such(repo, "configuration", config, known)
    return config


def _none_such(repo: str, noun: str, wanted: str, known: Iterable[str]) -> ConfigError:
    names = ", ".join(known) or "none by name"
    return ConfigError(f"The dataset {repo!r} has no {noun} {wanted!r}. It has: {names}.")


def _patterns(declared: object) -> dict[str, list[str]]:
    """Return the patterns of each split; without splits, all is ``train``."""
    patterns: dict[str, list[str]] = {}
    for entry in _listed(declared):
        split, paths = (entry.get("split"), entry.get("path")) if isinstance(entry, dict) else ("train", entry)
        patterns.setdefault(str(split), []).extend(map(str, _listed(paths)))
    return patterns


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value] if value else []


def _matching(repo: HubRepo, patterns: list[str]) -> list[HubFile]:
    if any("://" in pattern for pattern in patterns):
        return []
    files = list(dict.fromkeys(file for pattern in patterns for file in repo.glob(pattern)))
    if not files:
        raise ConfigError(f"The dataset {repo.id!r} has no file that matches {', '.join(patterns)}, as its card says.")
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
    if found := CONVERTED.fullmatch(name) or SHARDED.fullmatch(name.removeprefix("data/")):
        return found[1]
    parent, _, base = name.rpartition("/")
    return next((split for part in (parent, base) for split, word in KEYWORDS.items() if word.search(part)), None)
