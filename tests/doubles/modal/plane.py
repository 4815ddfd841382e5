"""Plane: the control plane as a whole, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from grpclib.server import Server

from doubles.modal.parts import Parts
from doubles.modal.processes import send
from doubles.modal.record import Record, record
from doubles.modal.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from doubles.modal.container import Container

PLACE = Path("/var/tmp")  # noqa: S108 - /tmp is each container's own, and the path of a socket has at most 107 bytes


class Plane(Parts):
    """A control plane, from entering the context to leaving it.

    Args:
        idle_seconds: How long a container may idle.

    Attributes:
        url: For ``MODAL_SERVER_URL``.
        folder: Its files; containers see it, while their ``/tmp`` is their own.
    """

    def __init__(self, *, idle_seconds: float = 3.0) -> None:
        logging.getLogger("grpclib.server").setLevel(logging.CRITICAL)  # it reports every client that hangs up
        self.url = ""
        self._home = tempfile.TemporaryDirectory(prefix="modal-", dir=PLACE)
        self.folder = Path(self._home.name)
        super().__init__(self.folder, idle_seconds)
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
        self._home.cleanup()

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

    def traffic(self, name: str) -> Traffic:
        """Return what went to and from the containers of a function, its variants counted in."""
        found = (self.ledger.traffic[key] for key, known in self.functions.functions.items() if known.name == name)
        return sum(found, Traffic())

    def preempt(self, container: Container) -> None:
        """Take a container's machine away as Modal does: no more work, an interrupt, and soon after that the end."""
        self.do(self._dismiss(container))

    def at_work(self, name: str) -> list[Container]:
        """Return the containers of a function that work on an input."""
        return [container for container in self.containers.of(name) if self.ledger.running(container.id)]

    @contextlib.contextmanager
    def holding(self, name: str) -> Iterator[None]:
        """Take no output of a function meanwhile: a container that is seen at work is at work until it is let go."""
        self.work.held.add(name)
        try:
            yield
        finally:
            self.work.held.remove(name)
            self._loop.call_soon_threadsafe(self.keeper.news.tell)

    def halt(self, name: str) -> None:
        """Let the containers of a function stand still."""
        self._signal(name, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let them go on."""
        self._signal(name, signal.SIGCONT)

    def _signal(self, name: str, number: signal.Signals) -> None:
        for container in self.containers.of(name):
            send(number, container.processes)

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do something in the plane's own thread, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _dismiss(self, container: Container) -> None:
        self.keeper.dismiss(container)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        server = Server([self.service("")])
        await self.blobs.start()
        await server.start("127.0.0.1", 0)
        listening: Any = server._server
        self.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        at_work = [asyncio.create_task(part) for part in (self.keeper.watch(), self.stand_ins.work())]
        self._ready.set()
        await self._stop.wait()
        await self.keeper.close()
        for task in at_work:
            task.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)
        server.close()
        await self.blobs.close()
