"""Plane: the control plane as a whole, in a thread of its own."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, Self

from grpclib.server import Server

from doubles.modal.apps import Apps
from doubles.modal.blobs import Blobs
from doubles.modal.calls import Calls
from doubles.modal.containers import Containers
from doubles.modal.functions import Functions
from doubles.modal.images import Images
from doubles.modal.mounts import Mounts
from doubles.modal.numbering import Numbering
from doubles.modal.record import Record, record
from doubles.modal.rpc import Service
from doubles.modal.volumes import Volumes
from doubles.modal.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from pathlib import Path


class Plane:
    """A control plane, from entering the context to leaving it.

    Args:
        folder: For Volumes, containers and blobs; short, for it holds sockets.
        idle_seconds: How long a container may idle.
        variables: For every container, such as where the Hub is.

    Attributes:
        url: For ``MODAL_SERVER_URL``.
        asked: How often each RPC was called, by the command line (``""``) or a container.
    """

    def __init__(self, folder: Path, *, idle_seconds: float = 3.0, variables: Mapping[str, str] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        logging.getLogger("grpclib.server").setLevel(logging.CRITICAL)  # it reports every client that hangs up
        number = Numbering()
        self.url = ""
        self.asked: collections.Counter[tuple[str, str]] = collections.Counter()
        self.blobs = Blobs(folder / "blobs", number)
        self.workspace = Workspace(number)
        self.mounts = Mounts(self.blobs, number)
        self.images = Images(number)
        self.apps = Apps(number)
        self.functions = Functions(self.apps, number)
        self.volumes = Volumes(folder / "volumes", self.blobs, number)
        self.calls = Calls(self.functions, number)
        self.containers = Containers(folder / "c", number, idle_seconds, variables or {})
        self.containers.connect(
            service=self._service,
            apps=self.apps,
            functions=self.functions,
            calls=self.calls,
            images=self.images,
            mounts=self.mounts,
            volumes=self.volumes,
            workspace=self.workspace,
        )
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="modal-plane", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    @property
    def environment(self) -> dict[str, str]:
        """Variables that make the ``modal`` command talk to this plane and to no other."""
        return {
            "MODAL_SERVER_URL": self.url,
            "MODAL_TOKEN_ID": "ak-rehearsal",
            "MODAL_TOKEN_SECRET": "as-rehearsal",
            "MODAL_CONFIG_PATH": os.devnull,
            "NO_COLOR": "1",
        }

    @property
    def command(self) -> list[str]:
        """The ``modal`` command of this Python."""
        return [sys.executable, "-m", "modal"]

    def deployed(self, name: str) -> dict[str, Record]:
        """Return what a deployed app consists of, by the functions' names."""
        app = self.apps.deployed(name)
        keys = app.functions if app else {}
        return {
            name: record(self.functions.get(key), self.images, self.volumes, self.workspace)
            for name, key in keys.items()
        }

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do something in the plane's own thread, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _service(self, caller: str) -> Service:
        parts = (
            self.workspace,
            self.blobs,
            self.mounts,
            self.images,
            self.apps,
            self.functions,
            self.volumes,
            self.calls,
            self.containers,
        )
        return Service(parts, caller, lambda name, who: self.asked.update([(name, who and "container")]))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        server = Server([self._service("")])
        await self.blobs.start()
        await server.start("127.0.0.1", 0)
        port = server._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        watcher = asyncio.create_task(self.containers.watch())
        self._ready.set()
        await self._stop.wait()
        await self.containers.close()
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher
        server.close()
        await self.blobs.close()
