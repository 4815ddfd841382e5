"""Write: creating repos, commits, branches and tags."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

from doubles.hub.card import problems
from doubles.hub.fault import Fault
from doubles.hub.repo import Repo
from doubles.hub.request import Answer
from doubles.hub.store import LARGE, LARGE_SUFFIXES, Blob
from doubles.hub.user import known, writer

if TYPE_CHECKING:
    from doubles.hub.double import HubDouble
    from doubles.hub.request import Request


def create(hub: HubDouble, request: Request) -> Answer:
    """Create a repo, empty but for what the Hub itself puts there."""
    asked, user = json.loads(request.body), known(hub, request)
    repo_id = f"{asked.get('organization') or user.name}/{asked['name']}"
    writer(hub, request, repo_id)
    url = f"{hub.url}/datasets/{repo_id}"
    kind = asked.get("type", "model")
    if (kind, repo_id) in hub.repos:
        body = json.dumps({"error": "You already created this repo", "url": url}).encode()
        return Answer(409, body, {"Content-Type": "application/json"})
    repo = Repo(kind, repo_id, hub.store, private=asked.get("visibility") == "private")
    repo.tokens = {token for token, other in hub.users.items() if other.owns(repo_id.partition("/")[0])}
    repo.commit_files({".gitattributes": hub.store.put(b"*.parquet filter=lfs\n", large=False)})
    hub.repos[kind, repo_id] = repo
    return Answer.json({"url": url, "name": repo_id})


def validate_yaml(request: Request) -> Answer:
    """Check the front matter of a card."""
    found = problems(json.loads(request.body)["content"])
    body = {"errors": [{"message": problem} for problem in found], "warnings": []}
    return Answer(400 if found else 200, json.dumps(body).encode(), {"Content-Type": "application/json"})


def preupload(hub: HubDouble, repo: Repo, revision: str, request: Request) -> Answer:
    """Say which files are large, and which are here already."""
    writer(hub, request, repo.id)
    files = repo.files(revision)
    return Answer.json({"files": [_mode(item, files.get(item["path"])) for item in json.loads(request.body)["files"]]})


def commit(hub: HubDouble, repo: Repo, revision: str, request: Request) -> Answer:
    """Commit what the lines say, whole or not at all."""
    writer(hub, request, repo.id)
    lines = [json.loads(line) for line in request.body.splitlines()]
    with hub.commit_lock:
        head = repo.resolve(revision)
        wanted = lines[0]["value"].get("parentCommit")
        if wanted is not None and wanted != head:
            raise Fault(412, "", "A commit has happened since. Please refresh and try again.")
        files = dict(repo.files(head))
        for line in lines[1:]:
            _apply(hub, files, line["key"], line["value"])
        sha = repo.commit_files(files, f"refs/heads/{revision}")
    return Answer.json({"success": True, "commitOid": sha, "commitUrl": f"{hub.url}/datasets/{repo.id}/commit/{sha}"})


def branch(hub: HubDouble, repo: Repo, name: str, request: Request) -> Answer:
    """Create a branch at a revision, or at main."""
    writer(hub, request, repo.id)
    asked = json.loads(request.body or b"{}")
    _new(repo, f"refs/heads/{name}")
    repo.refs[f"refs/heads/{name}"] = repo.resolve(asked.get("startingPoint"))
    return Answer.json({})


def tag(hub: HubDouble, repo: Repo, revision: str, request: Request) -> Answer:
    """Tag a revision."""
    writer(hub, request, repo.id)
    name = json.loads(request.body)["tag"]
    _new(repo, f"refs/tags/{name}")
    repo.refs[f"refs/tags/{name}"] = repo.resolve(revision)
    return Answer.json({})


def _new(repo: Repo, ref: str) -> None:
    if ref in repo.refs:
        raise Fault(409, "", f"{ref} exists already")


def _mode(item: dict[str, Any], here: Blob | None) -> dict[str, Any]:
    large = item["path"].endswith(LARGE_SUFFIXES) or item["size"] > LARGE
    oid = {"oid": here.etag} if here else {}
    return {"path": item["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False, **oid}


def _apply(hub: HubDouble, files: dict[str, Blob], key: str, value: dict[str, Any]) -> None:
    path = value["path"]
    match key:
        case "file":
            files[path] = hub.store.put(base64.b64decode(value["content"]), large=False)
        case "lfsFile":
            files[path] = _arrived(hub, path, value["oid"], value["size"])
        case "deletedFile":
            if files.pop(path, None) is None:
                raise Fault(404, "EntryNotFound", "A file with this name doesn't exist")
        case "deletedFolder":
            below = [name for name in files if name.startswith(path.rstrip("/") + "/")]
            if not below:
                raise Fault(404, "EntryNotFound", "A folder with this name doesn't exist")
            for name in below:
                del files[name]
        case _:
            raise Fault(400, "", f"The double cannot do {key}")


def _arrived(hub: HubDouble, path: str, oid: str, size: int) -> Blob:
    stored = hub.store.find(oid)
    if stored.is_file() and hashlib.sha256(data := stored.read_bytes()).hexdigest() == oid and len(data) == size:
        return hub.store.put(data, large=True)
    blob = hub.xet.take(oid, size)
    if blob is None or blob.size != size:
        raise Fault(400, "", f"The LFS pointer of {path} points to an object that does not exist")
    return blob
