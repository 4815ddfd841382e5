"""Volumes: all of them, and what their containers ask for."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from grpclib import Status
from modal_proto import api_pb2

from doubles.modal.rpc import refuse, rpc
from doubles.modal.volume import View, Volume

if TYPE_CHECKING:
    from pathlib import Path

    from doubles.modal.containers import Containers
    from doubles.modal.numbering import Numbering


class Volumes:
    """All Volumes.

    Attributes:
        volumes: By id.
        behind: Whether a container's views begin a commit behind, as is Modal's right, until it reloads.
        refusing: A function whose containers' next commit is refused.
    """

    def __init__(self, folder: Path, containers: Containers, number: Numbering) -> None:
        self._folder = folder
        self._containers = containers
        self._number = number
        self.volumes: dict[str, Volume] = {}
        self.behind = False
        self.refusing = ""

    def get(self, volume: str) -> Volume:
        """Return a Volume.

        Raises:
            GRPCError: There is none of this id.
        """
        if volume not in self.volumes:
            raise refuse(Status.NOT_FOUND, f"Volume {volume} not found")
        return self.volumes[volume]

    def named(self, name: str) -> Volume | None:
        """Return a Volume by its name."""
        return next((volume for volume in self.volumes.values() if volume.name == name), None)

    def folder(self, name: str) -> Path:
        """Return what is committed to a Volume.

        Raises:
            LookupError: There is no Volume of this name.
        """
        volume = self.named(name)
        if volume is None:
            raise LookupError(f"there is no Volume {name!r}")
        return volume.path

    def described(self, key: str) -> api_pb2.Object:
        """Return what a container is told of an object; only Volumes have more than an id."""
        if key not in self.volumes:
            return api_pb2.Object(object_id=key)
        return api_pb2.Object(object_id=key, volume_metadata=self.volumes[key].metadata)

    def mount(self, volume: str, container: str, path: Path) -> None:
        """Give a container its view."""
        self.get(volume).mount(container, path, behind=self.behind)

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
            volume = self._make(request.deployment_name, request.version or api_pb2.VOLUME_FS_VERSION_V1)
        return api_pb2.VolumeGetOrCreateResponse(volume_id=volume.id, version=volume.version, metadata=volume.metadata)

    @rpc("VolumeCommit")
    async def commit(self, request: api_pb2.VolumeCommitRequest, caller: str) -> api_pb2.VolumeCommitResponse:
        """Let others see what a container wrote."""
        volume = self.get(request.volume_id)
        if self.refusing and any(container.id == caller for container in self._containers.of(self.refusing)):
            self.refusing = ""
            raise refuse(Status.FAILED_PRECONDITION, "the Volume is being written to by too many")
        if caller in volume.views:
            volume.commit(volume.views[caller])
        return api_pb2.VolumeCommitResponse(skip_reload=True)

    @rpc("VolumeReload")
    async def reload(self, request: api_pb2.VolumeReloadRequest, caller: str) -> None:
        """Let a container see what others committed, if none of its files is open."""
        volume = self.get(request.volume_id)
        view = volume.views.get(caller)
        if view is None:
            raise refuse(Status.FAILED_PRECONDITION, "reload() can only be called from within a running function")
        self._refuse_if_open(caller, view)
        volume.reload(view)

    def _refuse_if_open(self, container: str, view: View) -> None:
        opened = self._containers.alive[container].open_files(view.path)
        if opened:
            raise refuse(Status.ABORTED, f"there are open files preventing the operation ({opened[0]})")

    def _make(self, name: str, version: api_pb2.VolumeFsVersion.ValueType) -> Volume:
        key = self._number("vo")
        volume = Volume(key, name, version, self._folder / key / "now", self._folder / key / "before")
        volume.path.mkdir(parents=True)
        volume.before.mkdir()
        self.volumes[key] = volume
        return volume
