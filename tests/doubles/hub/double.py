"""HubDouble: the repositories, and the two origins they are read from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from doubles.hub.content import large_file
from doubles.hub.fault import Fault
from doubles.hub.repo import Repo
from doubles.hub.routes import route
from doubles.hub.server import Server
from doubles.hub.store import Store

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from doubles.hub.request import Answer, Request


class HubDouble:
    """A Hub of its own, at ``url``.

    Attributes:
        repos: By kind and id.
        outage: A status to answer everything with, if not 0.
    """

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "blobs")
        self.repos: dict[tuple[str, str], Repo] = {}
        self.outage = 0
        self._hub = Server(self._answer)
        self._large_files = Server(lambda request: large_file(self.store, request))
        self.url = self._hub.url

    def add(self, kind: str, repo_id: str, folder: Path) -> Repo:
        """Add a ``model`` or ``dataset`` whose main branch holds a folder's files."""
        repo = Repo(kind, repo_id, self.store)
        repo.commit(folder)
        self.repos[kind, repo_id] = repo
        return repo

    @property
    def requests(self) -> list[Request]:
        """Every request to the Hub itself so far."""
        return self._hub.log

    @property
    def downloads(self) -> list[Request]:
        """Every request for a large file's bytes so far."""
        return self._large_files.log

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening."""
        self._hub.close()
        self._large_files.close()

    def find(self, kind: str, repo_id: str) -> Repo:
        """Return a repo."""
        if (kind, repo_id) not in self.repos:
            raise Fault(401, "RepoNotFound", "Repository not found")
        return self.repos[kind, repo_id]

    def _answer(self, request: Request) -> Answer:
        if self.outage:
            raise Fault(self.outage, "Outage", "The Hub is down")
        return route(self, request, self._large_files.url)
