"""Tree: what the Hub says about files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from doubles.hub.card import card_data
from doubles.hub.fault import Fault
from doubles.hub.request import Answer
from doubles.hub.store import git_oid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from doubles.hub.repo import Repo
    from doubles.hub.request import Request
    from doubles.hub.store import Blob

PAGE = 1_000


def info(repo: Repo, revision: str | None, request: Request) -> Answer:
    """Describe the repo at a revision."""
    repo.admit(request.token)
    sha = repo.resolve(revision)
    siblings: list[dict[str, Any]] = [{"rfilename": path} for path in repo.files(sha)]
    if request.flag("blobs"):
        siblings = [_sibling(path, blob) for path, blob in repo.files(sha).items()]
    gated = "auto" if repo.gated else False
    described = {"id": repo.id, "sha": sha, "private": repo.private, "gated": gated, "siblings": siblings, "tags": []}
    if "README.md" in repo.files(sha):
        described["cardData"] = card_data(repo.files(sha)["README.md"].path.read_text(errors="replace"))
    return Answer.json({**described, "author": repo.id.split("/")[0], "disabled": False, "downloads": 0, "likes": 0})


def tree(repo: Repo, revision: str, folder: str, request: Request, url: str) -> Answer:
    """List a folder, page by page."""
    repo.admit(request.token)
    files = repo.files(revision)
    prefix = f"{folder}/" if folder else ""
    below = {path: blob for path, blob in files.items() if path.startswith(prefix)}
    if folder and not below:
        raise Fault(404, "EntryNotFound", f"{folder} does not exist on {revision}")
    entries = [*_folders(below, prefix, deep=request.flag("recursive"))]
    entries += [
        entry(path, blob) for path, blob in below.items() if request.flag("recursive") or "/" not in path[len(prefix) :]
    ]
    start, size = int(request.query.get("cursor", "0")), int(request.query.get("limit", PAGE))
    page = Answer.json(entries[start : start + size])
    if start + size < len(entries):
        query = "&".join(f"{name}={value}" for name, value in request.query.items() if name != "cursor")
        page.headers["Link"] = f'<{url}{request.path}?{query}&cursor={start + size}>; rel="next"'
    return page


def paths_info(repo: Repo, revision: str, request: Request) -> Answer:
    """Describe some files or folders; those that are not there are left out."""
    repo.admit(request.token)
    files = repo.files(revision)
    known = {found["path"]: found for found in _folders(files, "", deep=True)}
    known |= {path: entry(path, blob) for path, blob in files.items()}
    return Answer.json([known[path] for path in request.form.get("paths", []) if path in known])


def refs(repo: Repo, request: Request) -> Answer:
    """List branches, converts and tags."""
    repo.admit(request.token)
    kinds = {"branches": "refs/heads/", "converts": "refs/convert/", "tags": "refs/tags/", "pullRequests": "refs/pr/"}
    return Answer.json({kind: list(_refs(repo, prefix)) for kind, prefix in kinds.items()})


def entry(path: str, blob: Blob) -> dict[str, Any]:
    """Describe a file."""
    found: dict[str, Any] = {"type": "file", "oid": blob.oid, "size": blob.size, "path": path}
    if blob.large:
        found["lfs"] = {"oid": blob.sha256, "size": blob.size, "pointerSize": 134}
    return found


def _sibling(path: str, blob: Blob) -> dict[str, Any]:
    found: dict[str, Any] = {"rfilename": path, "blobId": blob.oid, "size": blob.size}
    if blob.large:
        found["lfs"] = {"sha256": blob.sha256, "size": blob.size, "pointerSize": 134}
    return found


def _folders(paths: Iterable[str], prefix: str, *, deep: bool) -> Iterable[dict[str, Any]]:
    names: dict[str, None] = {}
    for path in paths:
        parts = path[len(prefix) :].split("/")[:-1]
        for depth in range(1, (len(parts) if deep else min(len(parts), 1)) + 1):
            names[prefix + "/".join(parts[:depth])] = None
    return [{"type": "directory", "oid": git_oid(name.encode()), "size": 0, "path": name} for name in names]


def _refs(repo: Repo, prefix: str) -> Iterable[dict[str, str]]:
    for ref, sha in repo.refs.items():
        if ref.startswith(prefix):
            yield {"name": ref.removeprefix(prefix), "ref": ref, "targetCommit": sha}
