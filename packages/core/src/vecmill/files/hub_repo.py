"""HubRepo: a dataset repository of the Hub at one commit, and ``hf://datasets/…`` as a store of files."""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from huggingface_hub import DatasetCard, HfApi, HfFileSystem, errors, parse_hf_uri

from vecmill.errors import ConfigError, SourceError
from vecmill.files.fsspec import FsspecStore
from vecmill.files.store import File
from vecmill.records import Terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from threading import Event

    from vecmill.files.fsspec import Info

# The client's HTTP library, httpx or httpx2, by its common error: the two versions share no name.
HTTP_ERROR = cast("type[Exception]", errors.HfHubHTTPError.__bases__[0])
LOGIN = "log in with `hf auth login` or set HF_TOKEN"


@contextmanager
def reading(repo: str, revision: str | None) -> Iterator[None]:
    """Turn the Hub client's errors into ours, while a dataset is read.

    Raises:
        ConfigError: There is no such dataset or revision, or it may not be read.
        SourceError: The Hub cannot be reached.
    """
    at = f" at revision {revision!r}" if revision else ""
    try:
        yield
    except errors.GatedRepoError as error:
        raise ConfigError(
            f"the dataset {repo!r} is gated: accept its terms on its page, then {LOGIN} with that account"
        ) from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError, errors.HfUriError) as error:
        raise ConfigError(
            f"there is no dataset {repo!r} on the Hub, or it is private: check the name; if it is private, {LOGIN}"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ConfigError(f"the dataset {repo!r} has no revision {revision!r}: name a branch, tag or commit") from error
    except errors.OfflineModeIsEnabled as error:
        raise SourceError(
            f"the dataset {repo!r} cannot be read: HF_HUB_OFFLINE is set: unset it, or use another source"
        ) from error
    except (HTTP_ERROR, OSError, errors.EntryNotFoundError) as error:
        problem = describe_unusable_home(error) or f"{_first_line(error)}: check the network and run again"
        raise SourceError(f"the dataset {repo!r}{at} could not be read from the Hub: {problem}") from error


def describe_unusable_home(error: BaseException) -> str:
    """Return what is wrong with the folder of the Hub's client, and what to do; empty for any other error.

    The client keeps its login and its cache in one folder, by default in the user's home.
    """
    if not isinstance(error, OSError) or error.filename is None:  # errors of requests are OSErrors without a file
        return ""
    return f"the folder of the Hub's client cannot be used ({error}): set HF_HOME to a folder of yours that has room"


def _first_line(error: BaseException) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__).rstrip(". ")


class HubFile(File):
    """A file of a repository, at the repository's commit.

    Attributes:
        path: Its path in the repository.
        oid: Its git id.
    """

    remote = True

    def __init__(self, repo: HubRepo, path: str, name: str, info: Info) -> None:
        self._repo = repo
        self._info = info
        self.path = path
        self.name = name
        self.oid = str(info["blob_id"])

    def __str__(self) -> str:
        return f"{self._repo.id}@{self._repo.sha[:8]}/{self.path}"

    @property
    def size(self) -> int:
        """Its bytes."""
        return int(self._info["size"])

    @property
    def identity(self) -> tuple[str | int, ...]:
        """Its name, its bytes and its git id."""
        return self.name, self.size, self.oid

    def hash(self, cancelled: Event | None = None) -> str:  # noqa: ARG002 - nothing is read
        """Return the sha256 of a large file, the git id of a small one."""
        lfs = self._info.get("lfs")
        return str(lfs["sha256"]) if lfs else self.oid

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open the file; what is read is fetched, no more, and nothing is stored on disk."""
        with reading(self._repo.id, self._repo.revision), self._repo.open(self.path, self.size) as stream:
            yield stream


class HubRepo:
    """A dataset repository at one commit.

    Attributes:
        id: ``user/name``, as the Hub itself writes it.
        sha: The commit.
        revision: What it was asked for by.
        root: What its files' paths begin with in ``HfFileSystem``.
    """

    def __init__(self, repo: str, revision: str | None) -> None:
        """Find out which commit a revision means now."""
        info = HfApi().dataset_info(repo, revision=revision)
        self.id: str = info.id
        self.sha = str(info.sha)
        self.revision = revision
        self.root = f"datasets/{self.id}@{self.sha}/"
        self._filesystem = HfFileSystem()

    @classmethod
    def find(cls, repo: str, revision: str) -> HubRepo | None:
        """Return the repo at a revision, or None if there is no such revision."""
        try:
            return cls(repo, revision)
        except errors.RevisionNotFoundError:
            return None

    @cached_property
    def card(self) -> dict[str, Any]:
        """The front matter of its README.

        Raises:
            SourceError: It is not YAML.
        """
        try:
            content = self._filesystem.cat_file(self.root + "README.md").decode("utf-8", "replace")
        except FileNotFoundError:
            return {}
        try:
            data: Any = DatasetCard(content, ignore_metadata_errors=True).data
        except Exception as error:  # the client lets its YAML parser's own errors through
            raise SourceError(
                f"the card of {self.id!r} (README.md) has a front matter that is not YAML: {error}"
            ) from error
        return dict(data.to_dict())

    def below(self, folder: str) -> Iterator[HubFile]:
        """Yield all files of a folder, at any depth, sorted by name; hidden ones left out."""
        return self._plain_files(self._filesystem.find((self.root + folder).rstrip("/"), detail=True))

    def glob(self, pattern: str) -> Iterator[HubFile]:
        """Yield the files that match a pattern, sorted by name; hidden ones left out."""
        return self._plain_files(self._filesystem.glob(self.root + pattern, detail=True))

    def open(self, path: str, size: int) -> BinaryIO:
        """Open a file, given its bytes; each read is a request for a range."""
        return cast("BinaryIO", self._filesystem.open(self.root + path, "rb", cache_type="none", size=size))

    def _plain_files(self, found: object) -> Iterator[HubFile]:
        for full, info in sorted(cast("dict[str, Info]", found).items()):
            path = full.removeprefix(self.root)
            if info["type"] == "file" and not any(part.startswith((".", "__")) for part in path.split("/")):
                yield HubFile(self, path, path, info)


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
        language=_language_of(_words(card.get("language")), config or ""),
    )


def _language_of(languages: tuple[str, ...], config: str) -> tuple[str, ...]:
    named = set(re.split(r"[._/]", config)).intersection(languages)
    return tuple(language for language in languages if language in named) or languages


def _words(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    # YAML takes the code of Norwegian for a No.
    named = (NORWEGIAN if word is False else word for word in values)
    return tuple(word for word in named if isinstance(word, str) and 0 < len(word) <= LONGEST_WORD)


class HubStore(FsspecStore):
    """Files of datasets of the Hub: ``hf://datasets/user/repo@revision/folder/*.jsonl``."""

    protocol = "hf"
    shared = True

    def __init__(self) -> None:
        self._repos: dict[tuple[str, str | None], HubRepo] = {}

    def find(self, paths: Sequence[str], suffixes: tuple[str, ...]) -> list[File]:
        """Return the files that paths mean; see ``Store.find``."""
        with reading(*_parse(paths[0])[:2]):
            return super().find(paths, suffixes)

    def find_file(self, folder: str, name: str) -> File | None:
        """Return the file with a name in a folder, or None if there is none."""
        with reading(*_parse(folder)[:2]):
            return super().find_file(folder, name)

    def pin(self, path: str) -> str:
        """Return the path with the repo's full name and the commit that its revision means now."""
        repo, revision, inside = _parse(path)
        return f"hf://{self._repo(repo, revision).root}{inside}".rstrip("/")

    def terms(self, paths: Sequence[str]) -> Terms:
        """Return what the dataset's card says; nothing for several datasets."""
        repos = {_parse(path)[:2] for path in paths}
        if len(repos) > 1:
            return Terms()
        (wanted,) = repos
        with reading(*wanted):
            return read_terms(self._repo(*wanted).card, None)

    def resolve(self, path: str) -> str:
        """Return a path as ``HfFileSystem`` writes it, at a commit."""
        repo, revision, inside = _parse(path)
        return f"{self._repo(repo, revision).root}{inside}".rstrip("/")

    def make_file(self, full: str, name: str, info: Info) -> File:
        """Return a file, given what the file system says of it."""
        repo = next(repo for repo in self._repos.values() if full.startswith(repo.root))
        if len({other.sha for other in self._repos.values() if other.id == repo.id}) == 1:
            name = name.replace(f"@{repo.sha}", "", 1)  # it is in the name where there are files of several repos
        return HubFile(repo, full.removeprefix(repo.root), name, info)

    def _repo(self, repo: str, revision: str | None) -> HubRepo:
        key = (repo, revision)
        if key not in self._repos:
            with reading(repo, revision):
                self._repos[key] = HubRepo(repo, revision)
        return self._repos[key]


def _parse(path: str) -> tuple[str, str | None, str]:
    """Return the repo, the revision and the path in the repo.

    Raises:
        ConfigError: It is no path in a dataset.
    """
    try:
        found = parse_hf_uri(path.rstrip("/"))
    except errors.HfUriError as error:
        raise ConfigError(f"{path!r} is no path on the Hub: write hf://datasets/user/repo/… ({error})") from error
    if found.type != "dataset":
        raise ConfigError(f"{path!r} is in a {found.type} of the Hub: name a dataset, hf://datasets/user/repo/…")
    return found.id, found.revision, found.path_in_repo
