"""Lfs: large files on their way in, by one PUT or in parts, to another origin."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from doubles.hub.fault import Fault
from doubles.hub.request import Answer
from doubles.hub.user import writer

if TYPE_CHECKING:
    from doubles.hub.double import HubDouble
    from doubles.hub.request import Request
    from doubles.hub.store import Store


def batch(hub: HubDouble, repo_id: str, request: Request, large_files: str) -> Answer:
    """Say where to send each object; nothing for those that are here already."""
    writer(hub, request, repo_id)
    asked = json.loads(request.body)
    if hub.quota is not None and sum(item["size"] for item in asked["objects"]) > hub.quota:
        error = {"code": 403, "message": "You have exceeded your storage limit; upgrade your plan"}
        return Answer.json({"objects": [{**item, "error": error} for item in asked["objects"]]})
    objects = [_object(hub, repo_id, item, large_files) for item in asked["objects"]]
    chosen = "multipart" if any("chunk_size" in _header(item) for item in objects) else "basic"
    return Answer.json({"transfer": chosen, "objects": objects})


def verify(hub: HubDouble, repo_id: str, request: Request) -> Answer:
    """Say whether an object arrived whole."""
    writer(hub, request, repo_id)
    asked = json.loads(request.body)
    path = hub.store.find(asked["oid"])
    if not path.is_file() or path.stat().st_size != asked["size"]:
        raise Fault(404, "EntryNotFound", "The object did not arrive")
    return Answer.json({"message": "ok"})


def put(store: Store, request: Request) -> Answer:
    """Take an object, or a part of one: /upload/{oid}, /upload/{oid}/{part}."""
    _, _, oid, *part = request.path.split("/")
    etag = hashlib.sha256(request.body).hexdigest()
    if part:
        store.put_part(oid, int(part[0]), request.body)
    elif etag != oid:
        raise Fault(400, "", "The content is not what its name says")
    else:
        store.put(request.body, large=True)
    return Answer(200, b"", {"ETag": f'"{etag[:32]}"'})


def complete(store: Store, request: Request) -> Answer:
    """Join the parts of an object: POST /complete."""
    asked = json.loads(request.body)
    parts = store.parts(asked["oid"])
    etags = [(part["partNumber"], part["etag"].strip('"')) for part in asked["parts"]]
    if etags != [(number, hashlib.sha256(data).hexdigest()[:32]) for number, data in parts.items()]:
        raise Fault(400, "", "The parts are not those that arrived")
    if store.put(b"".join(parts.values()), large=True).sha256 != asked["oid"]:
        raise Fault(400, "", "The content is not what its name says")
    return Answer.json({"success": True})


def _object(hub: HubDouble, repo_id: str, item: dict[str, Any], large_files: str) -> dict[str, Any]:
    oid, size = item["oid"], item["size"]
    if hub.store.find(oid).is_file():
        return {"oid": oid, "size": size}
    verify_at = {"href": f"{hub.url}/datasets/{repo_id}.git/info/lfs/verify"}
    if size <= hub.part_size:
        return {
            "oid": oid,
            "size": size,
            "actions": {"upload": {"href": f"{large_files}/upload/{oid}"}, "verify": verify_at},
        }
    parts = {str(n + 1): f"{large_files}/upload/{oid}/{n + 1}" for n in range(-(-size // hub.part_size))}
    upload = {"href": f"{large_files}/complete", "header": {"chunk_size": str(hub.part_size), **parts}}
    return {"oid": oid, "size": size, "actions": {"upload": upload, "verify": verify_at}}


def _header(item: dict[str, Any]) -> dict[str, str]:
    header: dict[str, str] = item.get("actions", {}).get("upload", {}).get("header", {})
    return header
