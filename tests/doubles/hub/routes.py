"""Routes: which endpoint a path means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from doubles.hub import content, lfs, tree, write
from doubles.hub.fault import Fault
from doubles.hub.user import whoami, writer

if TYPE_CHECKING:
    from collections.abc import Callable

    from doubles.hub.double import HubDouble
    from doubles.hub.repo import Repo
    from doubles.hub.request import Answer, Request
    from doubles.hub.store import Store

API = re.compile(r"/api/(?P<kind>model|dataset)s/(?P<id>[^/]+/[^/]+)(?:/(?P<verb>[a-z-]+)(?:/(?P<rest>.+))?)?")
CACHE = re.compile(r"/api/resolve-cache/(?P<kind>model|dataset)s/(?P<id>[^/]+/[^/]+)/(?P<rest>.+)")
LFS = re.compile(r"/datasets/(?P<id>[^/]+/[^/]+)\.git/info/lfs/(?P<verb>objects/batch|verify)")
RESOLVE = re.compile(r"/(?P<kind>datasets/)?(?P<id>[^/]+/[^/]+)/resolve/(?P<rest>.+)")

ALONE: dict[tuple[str, str], Callable[[HubDouble, Request], Answer]] = {
    ("GET", "/api/whoami-v2"): whoami,
    ("POST", "/api/repos/create"): write.create,
    ("POST", "/api/validate-yaml"): lambda _, request: write.validate_yaml(request),
}


def route(hub: HubDouble, request: Request, large_files: str) -> Answer:
    """Answer a request to the Hub's own origin."""
    if alone := ALONE.get((request.method, request.path)):
        return alone(hub, request)
    if found := LFS.fullmatch(request.path):
        return _lfs(hub, found, request, large_files)
    if found := CACHE.fullmatch(request.path):
        return content.resolve_cache(hub.find(found["kind"], found["id"]), *_split(found["rest"]), request)
    if found := API.fullmatch(request.path):
        return _api(hub, found, request)
    if found := RESOLVE.fullmatch(request.path):
        repo = hub.find("dataset" if found["kind"] else "model", found["id"])
        return content.resolve(hub, repo, _split(found["rest"]), request, large_files)
    # The Hub does not say whether a repo is missing or hidden, nor whether it could be one at all.
    raise Fault(401, "RepoNotFound", f"The double has no {request.path}")


def large_files(store: Store, request: Request) -> Answer:
    """Answer a request to the origin of large files."""
    if request.method == "PUT":
        return lfs.put(store, request)
    return lfs.complete(store, request) if request.method == "POST" else content.large_file(store, request)


def _lfs(hub: HubDouble, found: re.Match[str], request: Request, large_files: str) -> Answer:
    if found["verb"] == "verify":
        return lfs.verify(hub, found["id"], request)
    return lfs.batch(hub, found["id"], request, large_files)


def _api(hub: HubDouble, found: re.Match[str], request: Request) -> Answer:
    repo = hub.find(found["kind"], found["id"])
    revision, path = _split(found["rest"] or "")
    endpoints: dict[tuple[str, str | None], Callable[[], Answer]] = {
        ("GET", None): lambda: tree.info(repo, None, request),
        ("GET", "revision"): lambda: tree.info(repo, revision, request),
        ("GET", "tree"): lambda: tree.tree(repo, revision, path, request, hub.url),
        ("POST", "paths-info"): lambda: tree.paths_info(repo, revision, request),
        ("GET", "refs"): lambda: tree.refs(repo, request),
        ("POST", "preupload"): lambda: write.preupload(hub, repo, revision, request),
        ("POST", "commit"): lambda: write.commit(hub, repo, revision, request),
        ("POST", "branch"): lambda: write.branch(hub, repo, revision, request),
        ("POST", "tag"): lambda: write.tag(hub, repo, revision, request),
        ("GET", "xet-write-token"): lambda: _xet_write(hub, repo, request),
        ("GET", "xet-read-token"): lambda: _xet_read(hub, repo, request),
    }
    endpoint = endpoints.get((request.method, found["verb"]))
    if endpoint is None:
        raise Fault(404, "NotFound", f"The double has no {request.method} {request.path}")
    return endpoint()


def _xet_write(hub: HubDouble, repo: Repo, request: Request) -> Answer:
    writer(hub, request, repo.id)
    if hub.quota == 0:
        raise Fault(403, "", "You have exceeded your storage limit; upgrade your plan")
    return hub.xet.token(write=True)


def _xet_read(hub: HubDouble, repo: Repo, request: Request) -> Answer:
    repo.admit(request.token, content=True)
    return hub.xet.token(write=False)


def _split(rest: str) -> tuple[str, str]:
    """Return revision and path. A revision's own slashes are quoted."""
    revision, _, path = rest.partition("/")
    return unquote(revision), unquote(path)
