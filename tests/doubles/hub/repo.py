"""Repo: a repository of the Hub, with branches, tags and commits."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from doubles.hub.fault import Fault

if TYPE_CHECKING:
    from pathlib import Path

    from doubles.hub.store import Blob, Store

MAIN = "refs/heads/main"


@dataclass
class Repo:
    """A model or dataset.

    Attributes:
        kind: ``model`` or ``dataset``.
        id: ``user/name``.
        store: Where the files' bytes are.
        gated: Whether files can be read only with a token that was let in.
        private: Whether the repo is hidden from all others.
        tokens: Those let in.
        refs: Branches, tags and converts by full name, such as ``refs/heads/main``.
        commits: The files of each commit, by path.
    """

    kind: str
    id: str
    store: Store
    gated: bool = False
    private: bool = False
    tokens: set[str] = field(default_factory=set)
    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, Blob]] = field(default_factory=dict)

    def commit(self, folder: Path, ref: str = MAIN) -> str:
        """Make a folder the content of a branch, and return the commit's sha."""
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        return self.commit_files({p.relative_to(folder).as_posix(): self.store.put_file(p) for p in paths}, ref)

    def commit_files(self, files: dict[str, Blob], ref: str = MAIN) -> str:
        """Make these files the content of a branch, and return the commit's sha."""
        content = [self.refs.get(ref), *((path, blob.oid) for path, blob in sorted(files.items()))]
        sha = hashlib.sha1(repr(content).encode()).hexdigest()  # noqa: S324 (as git's commits have)
        self.commits[sha] = dict(sorted(files.items()))
        self.refs[ref] = sha
        return sha

    def tag(self, name: str) -> None:
        """Tag what main holds now."""
        self.refs[f"refs/tags/{name}"] = self.refs[MAIN]

    def resolve(self, revision: str | None) -> str:
        """Return the sha that a branch, a tag, a full ref or a sha means."""
        name = revision or "main"
        for candidate in (f"refs/heads/{name}", f"refs/tags/{name}", name):
            if candidate in self.refs:
                return self.refs[candidate]
        if name in self.commits:
            return name
        raise Fault(404, "RevisionNotFound", f"Invalid rev id: {name}")

    def files(self, revision: str | None) -> dict[str, Blob]:
        """Return the files of a revision, by path."""
        return self.commits[self.resolve(revision)]

    def file(self, revision: str | None, path: str) -> Blob:
        """Return a file of a revision."""
        files = self.files(revision)
        if path not in files:
            raise Fault(404, "EntryNotFound", f"Entry not found: {path}")
        return files[path]

    def admit(self, token: str | None, *, content: bool = False) -> None:
        """Refuse a reader who must not know of the repo, or must not read its files."""
        if token in self.tokens:
            return
        if self.private:
            raise Fault(404 if token else 401, "RepoNotFound", "Repository not found")
        if self.gated and content:
            raise Fault(403 if token else 401, "GatedRepo", f"Access to {self.kind} {self.id} is restricted.")
