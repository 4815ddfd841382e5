"""Hub repository: the files of a dataset on the Hub, how they are laid out, and what goes wrong on the way."""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

from huggingface_hub import DatasetCard, HfApi, HfFileSystem, errors
from huggingface_hub.errors import RevisionNotFoundError

from vecmill.errors import ConfigError, SourceError
from vecmill.models.reference import describe_unusable_home
from vecmill.records import Terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import BinaryIO


# The client's HTTP library, httpx or httpx2, by its common error: the two versions share no name.
HTTP_ERROR = cast("type[Exception]", errors.HfHubHTTPError.__bases__[0])
LOGIN = "log in with `hf auth login` or set HF_TOKEN"


@contextmanager
def reading(repo: str, revision: str | None) -> Iterator[None]:
    """Turn the Hub client's errors into ours, while a dataset is read."""
    at = f" at revision {revision!r}" if revision else ""
    try:
        yield
    except errors.GatedRepoError as error:
        told = f"The dataset {repo!r} is gated: accept its terms on its page, then {LOGIN} with that account."
        raise ConfigError(told) from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError, errors.HfUriError) as error:
        told = f"There is no dataset {repo!r} on the Hub, or it is private. Check the name; if it is private, {LOGIN}."
        raise ConfigError(told) from error
    except errors.RevisionNotFoundError as error:
        raise ConfigError(
            f"The dataset {repo!r} has no revision {revision!r}. Name a branch, tag or commit."
        ) from error
    except errors.OfflineModeIsEnabled as error:
        told = f"The dataset {repo!r} cannot be read: HF_HUB_OFFLINE is set. Unset it, or use another source."
        raise SourceError(told) from error
    except (HTTP_ERROR, OSError, errors.EntryNotFoundError) as error:
        problem = describe_unusable_home(error) or f"{_first_line(error)}. Check the network and run again"
        raise SourceError(f"The dataset {repo!r}{at} could not be read from the Hub: {problem}.") from error


def _first_line(error: BaseException) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__).rstrip(". ")


NORWEGIAN = "no"
LONGEST, LONGEST_WORD = 1024, 256
"""Characters; what is longer is no licence's name."""


def read_terms(card: Mapping[str, object], config: str | None) -> Terms:
    """Return the terms in a card's front matter. People write all kinds of things there: words are taken, no more.

    Args:
        card: The front matter.
        config: The configuration; the card of Wikipedia names 300 languages, and ``20231101.en`` is in one of them.
    """
    name, link = card.get("license_name"), card.get("license_link")
    return Terms(
        license=_words(card.get("license")),
        license_name=name if isinstance(name, str) and len(name) <= LONGEST else "",
        license_link=link if isinstance(link, str) and len(link) <= LONGEST else "",
        language=_own(_words(card.get("language")), config or ""),
    )


def _own(languages: tuple[str, ...], config: str) -> tuple[str, ...]:
    named = set(re.split(r"[._/]", config)).intersection(languages)
    return tuple(language for language in languages if language in named) or languages


def _words(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    # YAML takes the code of Norwegian for a No.
    named = (NORWEGIAN if word is False else word for word in values)
    return tuple(word for word in named if isinstance(word, str) and 0 < len(word) <= LONGEST_WORD)


Listing: TypeAlias = dict[str, dict[str, Any]]


class HubFile(NamedTuple):
    """A file of a repo.

    Attributes:
        name: Its path in the repo.
        size: Its bytes.
        oid: Its git id.
    """

    name: str
    size: int
    oid: str

    @property
    def identity(self) -> tuple[str, int, str]:
        """What must be the same for a worker as it was for the plan."""
        return self

    @property
    def known_hash(self) -> None:
        """Nothing: its id says all."""

    def hash(self) -> str:
        """Return its git id, which is a hash of its content."""
        return self.oid


class HubRepo:
    """A dataset repository at one commit. Files are read in ranges, nothing is kept on disk.

    Attributes:
        id: ``user/name``, as the Hub itself writes it.
        sha: The commit.
    """

    def __init__(self, repo: str, revision: str | None) -> None:
        """Find out which commit a revision means now."""
        info = HfApi().dataset_info(repo, revision=revision)
        self.id: str = info.id
        self.sha = str(info.sha)
        self._files = HfFileSystem()
        self._root = f"datasets/{self.id}@{self.sha}/"

    @classmethod
    def find(cls, repo: str, revision: str) -> HubRepo | None:
        """Return the repo at a revision, or None if there is no such revision."""
        try:
            return cls(repo, revision)
        except RevisionNotFoundError:
            return None

    @cached_property
    def card(self) -> dict[str, Any]:
        """The front matter of its README."""
        try:
            content = self._files.cat_file(self._root + "README.md").decode("utf-8", "replace")
        except FileNotFoundError:
            return {}
        try:
            data: Any = DatasetCard(content, ignore_metadata_errors=True).data
        except Exception as error:  # the client lets its YAML parser's own errors through
            raise SourceError(
                f"The card of {self.id!r} (README.md) has a front matter that is not YAML: {error}"
            ) from error
        return dict(data.to_dict())

    def below(self, folder: str) -> Iterator[HubFile]:
        """Yield all files of a folder, at any depth, sorted by name; hidden ones left out."""
        return self._plain(cast("Listing", self._files.find((self._root + folder).rstrip("/"), detail=True)))

    def glob(self, pattern: str) -> Iterator[HubFile]:
        """Yield the files that match a pattern, sorted by name; hidden ones left out."""
        return self._plain(cast("Listing", self._files.glob(self._root + pattern, detail=True)))

    def open(self, file: HubFile) -> BinaryIO:
        """Open a file; what is read is fetched, no more."""
        stream: BinaryIO = self._files.open(self._root + file.name, "rb", cache_type="none", size=file.size)
        return stream

    def _plain(self, found: Listing) -> Iterator[HubFile]:
        for path, info in sorted(found.items()):
            name = path.removeprefix(self._root)
            if info["type"] == "file" and not any(part.startswith((".", "__")) for part in name.split("/")):
                yield HubFile(name, info["size"], info["blob_id"])


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
    for entry in _as_list(declared):
        split, paths = (entry.get("split"), entry.get("path")) if isinstance(entry, dict) else ("train", entry)
        patterns.setdefault(str(split), []).extend(map(str, _as_list(paths)))
    return patterns


def _as_list(value: object) -> list[object]:
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
