"""Volumes: one committed state each, and a view of it for every container."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from grpclib import Status
from modal_proto import api_pb2

from doubles.modal.rpc import refuse, rpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from doubles.modal.blobs import Blobs
    from doubles.modal.numbering import Numbering

BLOCK = 8 * 1024 * 1024
PUT_RESPONSE = b"stored"

Stamp = tuple[int, int]
"""A file's size and time of change."""


@dataclass
class View:
    """A container's own copy of a Volume, and how it stood when it last agreed with the committed state."""

    path: Path
    agreed: dict[str, Stamp] = field(default_factory=dict)

    def changes(self) -> tuple[list[str], list[str]]:
        """Return the files that were written or changed here, and those that were removed."""
        now = stamps(self.path)
        return [name for name in now if self.agreed.get(name) != now[name]], [n for n in self.agreed if n not in now]


@dataclass
class Volume:
    """A Volume's committed state, and what happened to it."""

    id: str
    name: str
    version: int
    path: Path
    views: dict[str, View] = field(default_factory=dict)
    commits: int = 0
    reloads: int = 0


class Volumes:
    """All Volumes.

    Attributes:
        volumes: By id.
        busy: Says which of a container's open files are under a folder; set by the containers.
    """

    def __init__(self, folder: Path, blobs: Blobs, number: Numbering) -> None:
        self._folder = folder
        self._blobs = blobs
        self._number = number
        self.volumes: dict[str, Volume] = {}
        self.busy: Callable[[str, Path], list[str]] = lambda _container, _folder: []

    def named(self, name: str) -> Volume | None:
        """Return a Volume by its name."""
        return next((volume for volume in self.volumes.values() if volume.name == name), None)

    def described(self, key: str) -> api_pb2.Object:
        """Return what a container is told of an object; only Volumes have more than an id."""
        if key not in self.volumes:
            return api_pb2.Object(object_id=key)
        return api_pb2.Object(object_id=key, volume_metadata=_metadata(self.volumes[key]))

    def view(self, volume: str, container: str, path: Path) -> None:
        """Give a container its view, as of the last commit."""
        view = View(path)
        path.mkdir(parents=True, exist_ok=True)
        self.volumes[volume].views[container] = view
        _catch_up(self.volumes[volume], view)

    def drop(self, container: str) -> None:
        """Forget a container's views: what it did not commit is lost."""
        for volume in self.volumes.values():
            view = volume.views.pop(container, None)
            if view is not None:
                shutil.rmtree(view.path, ignore_errors=True)

    @rpc("VolumeGetOrCreate")
    async def create(self, request: api_pb2.VolumeGetOrCreateRequest, caller: str) -> api_pb2.VolumeGetOrCreateResponse:
        """Find a Volume by its name, or make it if that is wanted."""
        volume = self.named(request.deployment_name)
        if volume is None:
            if request.object_creation_type == api_pb2.OBJECT_CREATION_TYPE_UNSPECIFIED:
                raise refuse(Status.NOT_FOUND, f"Volume '{request.deployment_name}' not found in environment 'main'")
            key = self._number("vo")
            version = request.version or api_pb2.VOLUME_FS_VERSION_V1
            volume = Volume(key, request.deployment_name, version, self._folder / key)
            volume.path.mkdir(parents=True)
            self.volumes[key] = volume
        return api_pb2.VolumeGetOrCreateResponse(
            volume_id=volume.id, version=volume.version, metadata=_metadata(volume)
        )

    @rpc("VolumeCommit")
    async def commit(self, request: api_pb2.VolumeCommitRequest, caller: str) -> api_pb2.VolumeCommitResponse:
        """Put a container's changes into the committed state; on a file that both changed the last one wins."""
        volume = self._get(request.volume_id)
        view = volume.views.get(caller)
        if view is not None:
            written, removed = view.changes()
            for name in written:
                copy(view.path / name, volume.path / name)
            for name in removed:
                (volume.path / name).unlink(missing_ok=True)
            view.agreed = stamps(view.path)
            volume.commits += 1
        return api_pb2.VolumeCommitResponse(skip_reload=True)

    @rpc("VolumeReload")
    async def reload(self, request: api_pb2.VolumeReloadRequest, caller: str) -> None:
        """Bring a container's view up to the committed state, if none of its files is open."""
        volume = self._get(request.volume_id)
        view = volume.views.get(caller)
        if view is None:
            raise refuse(Status.FAILED_PRECONDITION, "reload() can only be called from within a running function")
        if opened := self.busy(caller, view.path):
            raise refuse(Status.ABORTED, f"there are open files preventing the operation ({opened[0]})")
        await self.commit(api_pb2.VolumeCommitRequest(volume_id=volume.id), caller)
        _catch_up(volume, view)
        volume.reloads += 1

    @rpc("VolumeListFiles2")
    async def list_files(
        self, request: api_pb2.VolumeListFiles2Request, caller: str
    ) -> AsyncIterator[api_pb2.VolumeListFiles2Response]:
        """List a folder of the committed state."""
        volume = self._get(request.volume_id)
        top = volume.path / _inside(request.path)
        if not top.exists():
            raise refuse(Status.NOT_FOUND, f"path not found: {request.path}")
        found = [top] if top.is_file() else sorted(top.rglob("*") if request.recursive else top.glob("*"))
        yield api_pb2.VolumeListFiles2Response(entries=[_entry(path, volume.path) for path in found])

    @rpc("VolumePutFiles2")
    async def put_files(self, request: api_pb2.VolumePutFiles2Request, caller: str) -> api_pb2.VolumePutFiles2Response:
        """Ask for the blocks that are not here; when all are, put the files together."""
        volume = self._get(request.volume_id)
        missing = [
            api_pb2.VolumePutFiles2Response.MissingBlock(
                file_index=number, block_index=place, put_url=self._blobs.link(f"block-{block.contents_sha256.hex()}")
            )
            for number, file in enumerate(request.files)
            for place, block in enumerate(file.blocks)
            if not self._block(block.contents_sha256).is_file()
        ]
        for file in () if missing else request.files:
            self._put(volume, file, overwrite=not request.disallow_overwrite_existing_files)
        return api_pb2.VolumePutFiles2Response(missing_blocks=missing)

    @rpc("VolumeGetFile2")
    async def get_file(self, request: api_pb2.VolumeGetFile2Request, caller: str) -> api_pb2.VolumeGetFile2Response:
        """Say where a file's blocks are."""
        path = self._get(request.volume_id).path / _inside(request.path)
        if not path.is_file():
            raise refuse(Status.NOT_FOUND, f"file not found: {request.path}")
        size, links = path.stat().st_size, []
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                key = self._number("part")
                self._blobs.keep(key, block)
                links.append(self._blobs.link(key))
        return api_pb2.VolumeGetFile2Response(get_urls=links, size=size, start=0, len=size)

    def _put(self, volume: Volume, file: api_pb2.VolumePutFiles2Request.File, *, overwrite: bool) -> None:
        target = volume.path / _inside(file.path)
        if target.exists() and not overwrite:
            raise refuse(Status.ALREADY_EXISTS, f"{file.path} already exists")
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as whole:
            for block in file.blocks:
                whole.write(self._block(block.contents_sha256).read_bytes())

    def _block(self, digest: bytes) -> Path:
        return self._blobs.path(f"block-{digest.hex()}")

    def _get(self, volume: str) -> Volume:
        if volume not in self.volumes:
            raise refuse(Status.NOT_FOUND, f"Volume {volume} not found")
        return self.volumes[volume]


def stamps(folder: Path) -> dict[str, Stamp]:
    """Return the files below a folder, each with its size and time of change."""
    found = {}
    for where, _, names in os.walk(folder):
        for name in names:
            path = Path(where, name)
            status = path.stat()
            found[path.relative_to(folder).as_posix()] = (status.st_size, status.st_mtime_ns)
    return found


def copy(source: Path, target: Path) -> None:
    """Copy a file with its time of change, so that nobody sees half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.copy")
    shutil.copy2(source, partial)
    partial.replace(target)


def _catch_up(volume: Volume, view: View) -> None:
    here, there = stamps(view.path), stamps(volume.path)
    for name in here.keys() - there.keys():
        (view.path / name).unlink()
    for name, stamp in there.items():
        if here.get(name) != stamp:
            copy(volume.path / name, view.path / name)
    view.agreed = stamps(view.path)


def _inside(path: str) -> str:
    return PurePosixPath(path).as_posix().lstrip("/") or "."


def _entry(path: Path, root: Path) -> api_pb2.FileEntry:
    kind = api_pb2.FileEntry.DIRECTORY if path.is_dir() else api_pb2.FileEntry.FILE
    status = path.stat()
    return api_pb2.FileEntry(
        path=path.relative_to(root).as_posix(), type=kind, size=status.st_size, mtime=int(status.st_mtime)
    )


def _metadata(volume: Volume) -> api_pb2.VolumeMetadata:
    return api_pb2.VolumeMetadata(version=volume.version, name=volume.name)
