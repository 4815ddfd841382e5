"""Routes: which endpoint a path means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from doubles.hub import content, tree
from doubles.hub.fault import Fault

if TYPE_CHECKING:
    from doubles.hub.double import HubDouble
    from doubles.hub.request import Answer, Request

API = re.compile(r"/api/(?P<kind>model|dataset)s/(?P<id>[^/]+/[^/]+)(?:/(?P<verb>[a-z-]+)(?:/(?P<rest>.+))?)?")
CACHE = re.compile(r"/api/resolve-cache/(?P<kind>model|dataset)s/(?P<id>[^/]+/[^/]+)/(?P<rest>.+)")
RESOLVE = re.compile(r"/(?P<kind>datasets/)?(?P<id>[^/]+/[^/]+)/resolve/(?P<rest>.+)")


def route(hub: HubDouble, request: Request, large_files: str) -> Answer:
    """Answer a request to the Hub's own origin."""
    if found := CACHE.fullmatch(request.path):
        return content.resolve_cache(hub.find(found["kind"], found["id"]), *_split(found["rest"]), request)
    if found := API.fullmatch(request.path):
        return _api(hub, found, request)
    if found := RESOLVE.fullmatch(request.path):
        repo = hub.find("dataset" if found["kind"] else "model", found["id"])
        return content.resolve(repo, *_split(found["rest"]), request, large_files)
    # The Hub does not say whether a repo is missing or hidden, nor whether it could be one at all.
    raise Fault(401, "RepoNotFound", f"The double has no {request.path}")


def _api(hub: HubDouble, found: re.Match[str], request: Request) -> Answer:
    repo = hub.find(found["kind"], found["id"])
    revision, path = _split(found["rest"] or "")
    match request.method, found["verb"]:
        case "GET", None:
            return tree.info(repo, None, request)
        case "GET", "revision":
            return tree.info(repo, revision, request)
        case "GET", "tree":
            return tree.tree(repo, revision, path, request, hub.url)
        case "POST", "paths-info":
            return tree.paths_info(repo, revision, request)
        case "GET", "refs":
            return tree.refs(repo, request)
    raise Fault(404, "NotFound", f"The double has no {request.method} {request.path}")


def _split(rest: str) -> tuple[str, str]:
    """Return revision and path. A revision's own slashes are quoted."""
    revision, _, path = rest.partition("/")
    return unquote(revision), unquote(path)
