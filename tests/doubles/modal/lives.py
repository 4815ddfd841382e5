"""Lives: each container's, from its start to what becomes of its inputs when it has ended."""

from __future__ import annotations

import asyncio
import collections
import shutil
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from grpclib.server import Server

from doubles.modal.container import Container

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from modal_proto import api_pb2

    from doubles.modal.apps import Apps
    from doubles.modal.containers import Containers
    from doubles.modal.function import Function
    from doubles.modal.ledger import Ledger
    from doubles.modal.machines import Machines
    from doubles.modal.numbering import Numbering
    from doubles.modal.rpc import Service
    from doubles.modal.supplies import Supplies

STARTS = 2
"""Containers of a function that may fail to start, one after the other, before its inputs fail."""


@dataclass
class Lives:
    """Starts containers, and is there until they have ended.

    Attributes:
        folder: For their files.
        serve: Makes the control plane as a container sees it.
    """

    folder: Path
    number: Numbering
    serve: Callable[[str], Service]
    containers: Containers
    machines: Machines
    supplies: Supplies
    ledger: Ledger
    apps: Apps
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _failed_starts: collections.Counter[str] = field(default_factory=collections.Counter)

    def begin(self, function: Function) -> None:
        """Start a container."""
        key = self.number("ta")
        container = Container(key, function.id, function.app, self.folder / key)
        self.containers.add(container)
        task = asyncio.create_task(self._live(container, function))
        self._tasks.add(task)
        task.add_done_callback(self._over)

    async def all_ended(self) -> None:
        """Wait until none is left."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        task.result()  # a fault of the double's own is reported, not lost

    async def _live(self, container: Container, function: Function) -> None:
        server, began = Server([self.serve(container.id)]), time.monotonic()
        try:
            await asyncio.to_thread(self.supplies.lay_out, container, function)
            await asyncio.to_thread(self.supplies.install, container, function)
            self.machines.equip(container, function)
            self.supplies.mount(container, function)
            await server.start(path=str(container.socket))
            variables = {**self.containers.given, **self.supplies.variables(function)}
            await container.start(self.supplies.arguments(container, function), variables)
            code = await container.follow(lambda line: self.apps.write(container.app, container.id, line))
        finally:
            server.close()
            self.containers.remove(container, time.monotonic() - began)
            self.supplies.take_back(container)
            await asyncio.to_thread(shutil.rmtree, container.folder, ignore_errors=True)
        self._ended(container, code)

    def _ended(self, container: Container, code: int) -> None:
        unfinished = self.ledger.running(container.id)
        died = container.died(code)
        if container.failure is not None or (code > 0 and not unfinished and not container.leaving):
            self._not_started(container.function, container.failure or died)
        else:
            self._failed_starts[container.function] = 0
        self.ledger.give_back(container.id, died.exception)

    def _not_started(self, function: str, why: api_pb2.GenericResult) -> None:
        self._failed_starts[function] += 1
        if self._failed_starts[function] >= STARTS:
            self.ledger.fail_waiting(function, why)
