"""Mounts: the user's source files, and the folder of a container that they appear in."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from grpclib import Status
from modal_proto import api_pb2

from doubles.modal.rpc import refuse, rpc

if TYPE_CHECKING:
    from pathlib import Path

    from doubles.modal.blobs import Blobs
    from doubles.modal.numbering import Numbering


class Mounts:
    """Files by their content, and mounts as lists of them.

    Attributes:
        files: The files of each mount, by id.
    """

    def __init__(self, blobs: Blobs, number: Numbering) -> None:
        self._blobs = blobs
        self._number = number
        self.files: dict[str, list[api_pb2.MountFile]] = {}

    def lay_out(self, mount: str, root: Path) -> None:
        """Copy a mount's files to where a container finds them: ``/root/x`` is ``root/x`` there."""
        for file in self.files.get(mount, ()):
            target = root / file.filename.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._blobs.path(file.sha256_hex), target)

    def find(self, mount: str, name: str) -> Path | None:
        """Return where the content of a mount's file is, by the last part of its name."""
        found = (file for file in self.files.get(mount, ()) if file.filename.rsplit("/", 1)[-1] == name)
        return next((self._blobs.path(file.sha256_hex) for file in found), None)

    @rpc("MountBatchedCheckExistence")
    async def missing(
        self, request: api_pb2.MountBatchedCheckExistenceRequest, caller: str
    ) -> api_pb2.MountBatchedCheckExistenceResponse:
        """Say which contents are not here yet."""
        wanted = [name for name in request.sha256_hex_hashes if not self._blobs.path(name).is_file()]
        return api_pb2.MountBatchedCheckExistenceResponse(missing_sha256_hex_hashes=wanted)

    @rpc("MountPutFile")
    async def put(self, request: api_pb2.MountPutFileRequest, caller: str) -> api_pb2.MountPutFileResponse:
        """Take a content, or say whether it is here."""
        kind = request.WhichOneof("data_oneof")
        if kind == "data":
            self._blobs.keep(request.sha256_hex, request.data)
        elif kind == "data_blob_id":
            shutil.copyfile(self._blobs.path(request.data_blob_id), self._blobs.path(request.sha256_hex))
        return api_pb2.MountPutFileResponse(exists=self._blobs.path(request.sha256_hex).is_file())

    @rpc("MountGetOrCreate")
    async def create(self, request: api_pb2.MountGetOrCreateRequest, caller: str) -> api_pb2.MountGetOrCreateResponse:
        """Make a mount of files, or stand in for one of Modal's own."""
        absent = [file.filename for file in request.files if not self._blobs.path(file.sha256_hex).is_file()]
        if absent:
            raise refuse(Status.FAILED_PRECONDITION, f"the mount's file {absent[0]} was not uploaded")
        mount = self._number("mo")
        self.files[mount] = list(request.files)
        return api_pb2.MountGetOrCreateResponse(mount_id=mount)
