"""Blobs: bytes that travel by HTTP rather than gRPC."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from aiohttp import web
from modal_proto import api_pb2

from doubles.modal.rpc import rpc

if TYPE_CHECKING:
    from pathlib import Path

    from doubles.modal.numbering import Numbering

LARGEST = 1 << 30


class Blobs:
    """An HTTP server that keeps what is put, by key.

    Attributes:
        url: Its address, once started.
    """

    def __init__(self, folder: Path, number: Numbering) -> None:
        self._folder = folder
        self._number = number
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen on a free port."""
        self._folder.mkdir(parents=True, exist_ok=True)
        app = web.Application(client_max_size=LARGEST)
        app.router.add_put("/{key}", self._put)
        app.router.add_get("/{key}", self._get)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def path(self, key: str) -> Path:
        """Return the file of a blob."""
        return self._folder / key

    def keep(self, key: str, data: bytes) -> None:
        """Store a blob."""
        self.path(key).write_bytes(data)

    def link(self, key: str) -> str:
        """Return the address to get or put a blob."""
        return f"{self.url}/{key}"

    @rpc("BlobCreate")
    async def create(self, request: api_pb2.BlobCreateRequest, caller: str) -> api_pb2.BlobCreateResponse:
        """Say where to put a blob."""
        blob = self._number("bl")
        links = api_pb2.UploadUrlList(items=[self.link(blob)])
        return api_pb2.BlobCreateResponse(blob_ids=[blob], upload_urls=links)

    @rpc("BlobGet")
    async def get(self, request: api_pb2.BlobGetRequest, caller: str) -> api_pb2.BlobGetResponse:
        """Say where to get a blob."""
        return api_pb2.BlobGetResponse(download_url=self.link(request.blob_id))

    async def _put(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.keep(request.match_info["key"], body)
        tag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        return web.Response(body=tag.encode(), headers={"ETag": f'"{tag}"'})

    async def _get(self, request: web.Request) -> web.StreamResponse:
        path = self.path(request.match_info["key"])
        return web.FileResponse(path) if path.is_file() else web.Response(status=404)
