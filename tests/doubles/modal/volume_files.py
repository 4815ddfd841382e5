"""Volume files: what a laptop does with a Volume, listing, putting and getting files without mounting it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from grpclib import Status
from modal_proto import api_pb2

from doubles.modal.rpc import refuse, rpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from doubles.modal.blobs import Blobs
    from doubles.modal.numbering import Numbering
    from doubles.modal.volume import Volume
    from doubles.modal.volumes import Volumes

BLOCK = 8 * 1024 * 1024


class VolumeFiles:
    """Files of committed states; their blocks travel as blobs."""

    def __init__(self, volumes: Volumes, blobs: Blobs, number: Numbering) -> None:
        self._volumes = volumes
        self._blobs = blobs
        self._number = number

    @rpc("VolumeListFiles2")
    async def list_files(
        self, request: api_pb2.VolumeListFiles2Request, caller: str
    ) -> AsyncIterator[api_pb2.VolumeListFiles2Response]:
        """List a folder."""
        volume = self._volumes.get(request.volume_id)
        top = volume.path / _inside(request.path)
        if not top.exists():
            raise refuse(Status.NOT_FOUND, f"path not found: {request.path}")
        found = [top] if top.is_file() else sorted(top.rglob("*") if request.recursive else top.glob("*"))
        yield api_pb2.VolumeListFiles2Response(entries=[_entry(path, volume.path) for path in found])

    @rpc("VolumePutFiles2")
    async def put(self, request: api_pb2.VolumePutFiles2Request, caller: str) -> api_pb2.VolumePutFiles2Response:
        """Ask for the blocks that are not here; when all are, put the files together."""
        volume = self._volumes.get(request.volume_id)
        missing = list(self._missing(request.files))
        for file in () if missing else request.files:
            self._put(volume, file, overwrite=not request.disallow_overwrite_existing_files)
        return api_pb2.VolumePutFiles2Response(missing_blocks=missing)

    @rpc("VolumeGetFile2")
    async def get(self, request: api_pb2.VolumeGetFile2Request, caller: str) -> api_pb2.VolumeGetFile2Response:
        """Say where a file's blocks are."""
        path = self._volumes.get(request.volume_id).path / _inside(request.path)
        if not path.is_file():
            raise refuse(Status.NOT_FOUND, f"file not found: {request.path}")
        size = path.stat().st_size
        return api_pb2.VolumeGetFile2Response(get_urls=list(self._links(path)), size=size, start=0, len=size)

    def _missing(
        self, files: list[api_pb2.VolumePutFiles2Request.File]
    ) -> Iterator[api_pb2.VolumePutFiles2Response.MissingBlock]:
        for number, file in enumerate(files):
            for block_number, block in enumerate(file.blocks):
                key = _key(block.contents_sha256)
                if not self._blobs.path(key).is_file():
                    yield api_pb2.VolumePutFiles2Response.MissingBlock(
                        file_index=number, block_index=block_number, put_url=self._blobs.link(key)
                    )

    def _put(self, volume: Volume, file: api_pb2.VolumePutFiles2Request.File, *, overwrite: bool) -> None:
        name = _inside(file.path)
        if (volume.path / name).exists() and not overwrite:
            raise refuse(Status.ALREADY_EXISTS, f"{file.path} already exists")
        volume.put(name, [self._blobs.path(_key(block.contents_sha256)) for block in file.blocks])

    def _links(self, path: Path) -> Iterator[str]:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                key = self._number("part")
                self._blobs.keep(key, block)
                yield self._blobs.link(key)


def _key(digest: bytes) -> str:
    return f"block-{digest.hex()}"


def _inside(path: str) -> str:
    return PurePosixPath(path).as_posix().lstrip("/") or "."


def _entry(path: Path, root: Path) -> api_pb2.FileEntry:
    kind = api_pb2.FileEntry.DIRECTORY if path.is_dir() else api_pb2.FileEntry.FILE
    status = path.stat()
    return api_pb2.FileEntry(
        path=path.relative_to(root).as_posix(), type=kind, size=status.st_size, mtime=int(status.st_mtime)
    )
