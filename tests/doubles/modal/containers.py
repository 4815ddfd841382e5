"""Containers: as many as the inputs ask for and the limits allow."""

from __future__ import annotations

import asyncio
import shutil
import signal
import time
from typing import TYPE_CHECKING

from grpclib.server import Server
from modal_proto import api_pb2

from doubles.modal.container import Container
from doubles.modal.rpc import rpc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from doubles.modal.apps import Apps
    from doubles.modal.calls import Calls
    from doubles.modal.functions import Function, Functions
    from doubles.modal.images import Images
    from doubles.modal.mounts import Mounts
    from doubles.modal.numbering import Numbering
    from doubles.modal.rpc import Service
    from doubles.modal.volumes import Volumes
    from doubles.modal.workspace import Workspace

STARTS = 3
"""Containers of a function that may fail to start, one after the other, before its inputs fail."""
GRACE_SECONDS = 10.0
TICK_SECONDS = 0.25


class Containers:
    """Starts containers, watches them, ends them.

    Attributes:
        alive: By task id.
        started: Every container that was ever started: its id and its function's name.
        most: The most that ever ran at once, by function name.
        idle_seconds: How long one may idle, however long its function would let it.
        given: Variables that every container has.
    """

    def __init__(self, folder: Path, number: Numbering, idle_seconds: float, given: Mapping[str, str]) -> None:
        self._folder = folder
        self._number = number
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed_starts: dict[str, int] = {}
        self._closing = False
        self.alive: dict[str, Container] = {}
        self.started: list[tuple[str, str]] = []
        self.most: dict[str, int] = {}
        self.idle_seconds = idle_seconds
        self.given = dict(given)

    def connect(  # noqa: PLR0913 - a container needs something of every part
        self,
        *,
        service: Callable[[str], Service],
        apps: Apps,
        functions: Functions,
        calls: Calls,
        images: Images,
        mounts: Mounts,
        volumes: Volumes,
        workspace: Workspace,
    ) -> None:
        """Learn of the other parts, and let them know of containers."""
        self._service, self._apps, self._functions, self._calls = service, apps, functions, calls
        self._images, self._mounts, self._volumes, self._workspace = images, mounts, volumes, workspace
        apps.stopped = self.stop_app
        calls.wanted = self.scale
        calls.leaving = lambda container: container not in self.alive or self.alive[container].leaving
        calls.function_of = lambda container: self.alive[container].function if container in self.alive else ""
        calls.asks = self._is_up
        volumes.busy = lambda container, folder: self.alive[container].open_files(folder)

    def of(self, name: str) -> list[Container]:
        """Return the containers of a function that run, by the function's name."""
        return [
            container
            for container in self.alive.values()
            if self._functions.get(container.function).definition.function_name == name
        ]

    def scale(self, function: str) -> None:
        """Start containers, if more inputs wait than those that run can take."""
        known = self._functions.get(function)
        each = known.definition.target_concurrent_inputs or known.definition.max_concurrent_inputs or 1
        wanted = min(known.max_containers, -(-self._calls.load(function) // each))
        running = [c for c in self.alive.values() if c.function == function and not c.leaving]
        for _ in range(wanted - len(running)):
            if not self._closing:
                self._start(known)

    def stop_app(self, app: str) -> None:
        """Let an app's containers end, and what still waits for them fail."""
        for container in self.alive.values():
            if container.app == app:
                self._dismiss(container)

    async def close(self) -> None:
        """End every container."""
        self._closing = True
        for container in list(self.alive.values()):
            self._dismiss(container)
        await self._calls.wake()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def watch(self) -> None:
        """Dismiss idle containers, and end inputs that take too long."""
        while not self._closing:
            await asyncio.sleep(TICK_SECONDS)
            now = time.monotonic()
            for container in list(self.alive.values()):
                await self._look_at(container, now)

    @rpc("ContainerHello")
    async def hello(self, request: object, caller: str) -> None:
        """Note that a container is up."""

    @rpc("ContainerHeartbeat")
    async def heartbeat(self, request: object, caller: str) -> api_pb2.ContainerHeartbeatResponse:
        """Note that a container is alive."""
        return api_pb2.ContainerHeartbeatResponse()

    @rpc("ContainerStop")
    async def stop(self, request: api_pb2.ContainerStopRequest, caller: str) -> api_pb2.ContainerStopResponse:
        """Let a container take no more inputs."""
        self.alive[request.task_id].leaving = True
        return api_pb2.ContainerStopResponse()

    @rpc("TaskResult")
    async def result(self, request: api_pb2.TaskResultRequest, caller: str) -> None:
        """Note why a container could not start."""
        if caller in self.alive:
            self.alive[caller].failure = request.result

    def _start(self, function: Function) -> None:
        key = self._number("ta")
        container = Container(key, function.id, function.app, self._folder / key)
        self.alive[key] = container
        name = function.definition.function_name
        self.started.append((key, name))
        self.most[name] = max(self.most.get(name, 0), len(self.of(name)))
        task = asyncio.create_task(self._live(container, function))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _live(self, container: Container, function: Function) -> None:
        """Be a container, from start to end."""
        server = Server([self._service(container.id)])
        try:
            await asyncio.to_thread(self._prepare, container, function)
            await server.start(path=str(container.socket))
            await container.start(self._arguments(container, function), self._variables(function))
            code = await container.follow(lambda line: self._apps.write(container.app, container.id, line))
        finally:
            server.close()
            self.alive.pop(container.id, None)
            await asyncio.to_thread(self._volumes.drop, container.id)
            shutil.rmtree(container.folder, ignore_errors=True)
        await self._ended(container, code)

    def _prepare(self, container: Container, function: Function) -> None:
        container.root.mkdir(parents=True)
        for mount in function.definition.mount_ids:
            self._mounts.lay_out(mount, container.root)
        for number, mount in enumerate(function.definition.volume_mounts):
            view = container.folder / f"volume-{number}"
            self._volumes.view(mount.volume_id, container.id, view)
            container.mounts[mount.mount_path] = view

    def _arguments(self, container: Container, function: Function) -> api_pb2.ContainerArguments:
        layout = self._functions.layout(self._apps.apps[function.app])
        known = {item.object_id for item in layout.objects}
        needed = [item.object_id for item in function.definition.object_dependencies if item.object_id not in known]
        layout.objects.extend(self._volumes.described(key) for key in needed)
        return api_pb2.ContainerArguments(
            task_id=container.id,
            function_id=function.id,
            app_id=function.app,
            function_def=function.definition,
            serialized_params=function.parameters,
            environment_name="main",
            app_layout=layout,
        )

    def _variables(self, function: Function) -> dict[str, str]:
        variables = {**self.given, **self._images.variables(function.definition.image_id)}
        for secret in function.definition.secret_ids:
            variables |= self._workspace.secrets[secret]
        return variables

    async def _ended(self, container: Container, code: int) -> None:
        unfinished = self._calls.running(container.id)
        failed = container.failure is not None or (code > 0 and not unfinished and not container.leaving)
        self._failed_starts[container.function] = self._failed_starts.get(container.function, 0) + 1 if failed else 0
        if failed and self._failed_starts[container.function] >= STARTS:
            await self._calls.fail_waiting(container.function, container.failure or _died(container, code))
        if unfinished:
            await self._calls.give_back(unfinished, _died(container, code).exception)
        self.scale(container.function)

    async def _look_at(self, container: Container, now: float) -> None:
        running = self._calls.running(container.id)
        definition = self._functions.get(container.function).definition
        late = [item for item in running if definition.timeout_secs and now - item.begun > definition.timeout_secs]
        for item in late:
            why = f"Task's current input {item.id} hit its timeout of {definition.timeout_secs}s"
            await self._calls.fail(item, why, api_pb2.GenericResult.GENERIC_STATUS_TIMEOUT)
        if late:
            container.signal(signal.SIGKILL)
        elif running:
            container.idle_since = now
        elif 0 < container.idle_since < now - self.idle_seconds and not container.leaving:
            container.leaving = True
            await self._calls.wake()

    def _is_up(self, container: str) -> None:
        if container in self.alive and not self.alive[container].idle_since:
            self.alive[container].idle_since = time.monotonic()

    def _dismiss(self, container: Container) -> None:
        container.leaving = True
        loop = asyncio.get_running_loop()
        loop.call_later(0.5, container.signal, signal.SIGINT)
        loop.call_later(GRACE_SECONDS, container.signal, signal.SIGKILL)


def _died(container: Container, code: int) -> api_pb2.GenericResult:
    last = "\n".join(container.last_lines)
    return api_pb2.GenericResult(
        status=api_pb2.GenericResult.GENERIC_STATUS_FAILURE, exception=f"the container ended with code {code}:\n{last}"
    )
