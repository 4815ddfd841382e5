"""Keeper: as many containers as the inputs ask for and the limits allow, and none for too long."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modal_proto import api_pb2

if TYPE_CHECKING:
    from doubles.modal.apps import Apps
    from doubles.modal.container import Container
    from doubles.modal.containers import Containers
    from doubles.modal.functions import Functions
    from doubles.modal.ledger import Ledger
    from doubles.modal.lives import Lives
    from doubles.modal.machines import Machines
    from doubles.modal.news import News
    from doubles.modal.stand_ins import StandIns

GRACE_SECONDS = 10.0
TICK_SECONDS = 0.25
ASK_SECONDS = 0.5
"""How long a container has to hear that it may go, before it is interrupted."""


@dataclass
class Keeper:
    """Starts and dismisses containers.

    Attributes:
        idle_seconds: How long one may idle, however long its function would let it.
    """

    functions: Functions
    ledger: Ledger
    containers: Containers
    lives: Lives
    machines: Machines
    apps: Apps
    stand_ins: StandIns
    news: News
    idle_seconds: float
    _closing: bool = False

    async def watch(self) -> None:
        """Look after everything whenever there is news, and now and then."""
        while not self._closing:
            for function in list(self.functions.functions):
                self._scale(function)
            now = time.monotonic()
            for container in list(self.containers.alive.values()):
                self._look_at(container, now)
            await self.news.wait(TICK_SECONDS)

    async def close(self) -> None:
        """End every container."""
        self._closing = True
        for container in list(self.containers.alive.values()):
            self.dismiss(container, ASK_SECONDS)
        await self.lives.all_ended()

    def dismiss(self, container: Container, ask_seconds: float = 0.0) -> None:
        """Give a container no more work, interrupt it, and end it if it does not go: what a preemption does."""
        container.leaving = True
        self.news.tell()
        loop = asyncio.get_running_loop()
        loop.call_later(ask_seconds, container.signal, signal.SIGINT)
        loop.call_later(GRACE_SECONDS, container.signal, signal.SIGKILL)

    def _scale(self, function: str) -> None:
        """Start containers, if there are more inputs than those that run can take."""
        known = self.functions.get(function)
        if self.apps.get(known.app).done or self.stand_ins.stands_in(function) or self.machines.free(known) is None:
            return
        wanted = min(known.max_containers, -(-self.ledger.unfinished(function) // known.concurrency))
        running = [c for c in self.containers.alive.values() if c.function == function and not c.leaving]
        for _ in range(wanted - len(running)):
            self.lives.begin(known)

    def _look_at(self, container: Container, now: float) -> None:
        if self.apps.get(container.app).done and not container.leaving:
            self.dismiss(container, ASK_SECONDS)
        elif self._fail_late(container, now):
            container.signal(signal.SIGKILL)
        elif self.ledger.running(container.id):
            container.idle_since = now
        elif 0 < container.idle_since < now - self.idle_seconds and not container.leaving:
            container.leaving = True
            self.news.tell()

    def _fail_late(self, container: Container, now: float) -> bool:
        seconds = self.functions.get(container.function).definition.timeout_secs
        late = [item for item in self.ledger.running(container.id) if seconds and now - item.begun > seconds]
        for item in late:
            why = f"Task's current input {item.id} hit its timeout of {seconds}s"
            self.ledger.fail(item, why, api_pb2.GenericResult.GENERIC_STATUS_TIMEOUT)
        return bool(late)
