"""Content: the bytes of files, from the Hub's own origin or, for large files, from another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from doubles.hub.fault import Fault
from doubles.hub.request import Answer

if TYPE_CHECKING:
    from pathlib import Path

    from doubles.hub.double import HubDouble
    from doubles.hub.repo import Repo
    from doubles.hub.request import Request
    from doubles.hub.store import Blob, Store


def resolve(hub: HubDouble, repo: Repo, location: tuple[str, str], request: Request, large_files: str) -> Answer:
    """Redirect to a file's bytes: within the origin, or, for a large file, to ``large_files``."""
    repo.admit(request.token, content=True)
    revision, path = location
    sha = repo.resolve(revision)
    blob = repo.file(sha, path)
    headers = {"X-Repo-Commit": sha, "X-Linked-Size": str(blob.size), "X-Linked-Etag": f'"{blob.etag}"'}
    if blob.large:
        headers |= _xet(hub, repo, blob, sha)
        return Answer(302, b"", {**headers, "Location": f"{large_files}/{blob.sha256}"})
    cached = f"/api/resolve-cache/{repo.kind}s/{repo.id}/{sha}/{quote(path, safe='')}"
    return Answer(307, b"", {"X-Repo-Commit": sha, "Location": cached})


def resolve_cache(repo: Repo, sha: str, path: str, request: Request) -> Answer:
    """Send a small file."""
    repo.admit(request.token, content=True)
    blob = repo.file(sha, path)
    found = _part(request, blob.path)
    found.headers |= {"X-Repo-Commit": sha, "ETag": f'"{blob.etag}"'}
    return found


def large_file(store: Store, request: Request) -> Answer:
    """Send a large file, as the other origin does: whoever has the address may read."""
    path = store.find(request.path.rsplit("/", 1)[-1])
    if not path.is_file():
        raise Fault(404, "EntryNotFound", "No such object")
    return _part(request, path)


def _xet(hub: HubDouble, repo: Repo, blob: Blob, sha: str) -> dict[str, str]:
    """Say where the Xet client finds a file that came by it."""
    if hub.xet.apart or not (found := hub.xet.hash(blob.sha256)):
        return {}
    return {"X-Xet-Hash": found, "X-Xet-Refresh-Route": f"{hub.url}/api/{repo.kind}s/{repo.id}/xet-read-token/{sha}"}


def _part(request: Request, path: Path) -> Answer:
    """Send a file, or the range of it that was asked for."""
    data = path.read_bytes()
    size = len(data)
    headers = {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
    if not wanted:
        return Answer(200, data, headers)
    start, stop = int(wanted[1]), min(int(wanted[2]) + 1 if wanted[2] else size, size)
    if start >= size:
        return Answer(416, b"", {**headers, "Content-Range": f"bytes */{size}"})
    return Answer(206, data[start:stop], {**headers, "Content-Range": f"bytes {start}-{stop - 1}/{size}"})
