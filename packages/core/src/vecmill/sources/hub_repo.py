"""HubRepo: a dataset repository of the Hub at one commit."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

from huggingface_hub import DatasetCard, HfApi, HfFileSystem
from huggingface_hub.errors import RevisionNotFoundError

from vecmill.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO


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
        return self._plain(cast(Listing, self._files.find((self._root + folder).rstrip("/"), detail=True)))

    def glob(self, pattern: str) -> Iterator[HubFile]:
        """Yield the files that match a pattern, sorted by name; hidden ones left out."""
        return self._plain(cast(Listing, self._files.glob(self._root + pattern, detail=True)))

    def open(self, file: HubFile) -> BinaryIO:
        """Open a file; what is read is fetched, no more."""
        stream: BinaryIO = self._files.open(self._root + file.name, "rb", cache_type="none", size=file.size)
        return stream

    def _plain(self, found: Listing) -> Iterator[HubFile]:
        for path, info in sorted(found.items()):
            name = path.removeprefix(self._root)
            if info["type"] == "file" and not any(part.startswith((".", "__")) for part in name.split("/")):
                yield HubFile(name, info["size"], info["blob_id"])
