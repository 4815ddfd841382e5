"""HubDouble: the repositories, and the two origins they are read from."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Self

from doubles.hub.fault import Fault
from doubles.hub.repo import Repo
from doubles.hub.routes import large_files, route
from doubles.hub.server import Server
from doubles.hub.store import Store
from doubles.hub.xet import Xet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from doubles.hub.disturbance import Disturbance
    from doubles.hub.request import Answer, Request
    from doubles.hub.user import User


class HubDouble:
    """A Hub of its own, at ``url``.

    Attributes:
        repos: By kind and id.
        outage: A status to answer everything with, if not 0.
        users: Those who may write, by token.
        disturbances: What is to happen to requests.
        quota: The bytes that one upload may have, if not None.
        part_size: The bytes of a part; a larger file is sent in parts.
        xet: What came by the Xet client.
        commit_lock: Held while a commit is made.
    """

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "blobs")
        self.repos: dict[tuple[str, str], Repo] = {}
        self.outage = 0
        self.users: dict[str, User] = {}
        self.disturbances: list[Disturbance] = []
        self.quota: int | None = None
        self.part_size = 1 << 20
        self.xet = Xet(folder / "xet", self.store)
        self.commit_lock = Lock()
        self._hub = Server(self._answer)
        self._large_files = Server(self._answer_large)
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
    def transfers(self) -> list[Request]:
        """Every request to the origin of large files so far."""
        return self._large_files.log

    @property
    def uploads(self) -> list[Request]:
        """Every request that sent a large file, or a part of one, so far."""
        return [request for request in self.transfers if request.method == "PUT"]

    @property
    def downloads(self) -> list[Request]:
        """Every request for a large file's bytes so far."""
        return [request for request in self.transfers if request.method in {"GET", "HEAD"}]

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
        return self._disturbed(request, lambda asked: route(self, asked, self._large_files.url))

    def _answer_large(self, request: Request) -> Answer:
        return self._disturbed(request, lambda asked: large_files(self.store, asked))

    def _disturbed(self, request: Request, carry_out: Callable[[Request], Answer]) -> Answer:
        for disturbance in self.disturbances:
            if disturbance.meets(request):
                return disturbance.answer(request, carry_out)
        return carry_out(request)
