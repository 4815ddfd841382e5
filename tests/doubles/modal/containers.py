"""Containers: those that run, and those that ever did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modal_proto import api_pb2

from doubles.modal.rpc import rpc

if TYPE_CHECKING:
    from doubles.modal.container import Container
    from doubles.modal.functions import Functions
    from doubles.modal.news import News


class Containers:
    """A register.

    Attributes:
        alive: By task id.
        started: Every container that was ever started: its id and its function's name.
        lasted: Seconds, of those that have ended.
        most: The most that ever worked at once, by function name.
        given: Variables that every container has.
    """

    def __init__(self, functions: Functions, news: News) -> None:
        self._functions = functions
        self._news = news
        self.alive: dict[str, Container] = {}
        self.started: list[tuple[str, str]] = []
        self.lasted: dict[str, float] = {}
        self.most: dict[str, int] = {}
        self.given: dict[str, str] = {}

    def add(self, container: Container) -> None:
        """Enter a container that is about to start."""
        self.alive[container.id] = container
        name = self._functions.get(container.function).name
        self.started.append((container.id, name))
        self.most[name] = max(self.most.get(name, 0), sum(not other.leaving for other in self.of(name)))

    def remove(self, container: Container, seconds: float) -> None:
        """Take out a container that has ended."""
        del self.alive[container.id]
        self.lasted[container.id] = seconds

    def of(self, name: str) -> list[Container]:
        """Return the containers that run, by their function's name."""
        return [c for c in list(self.alive.values()) if self._functions.get(c.function).name == name]

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
        self._news.tell()
        return api_pb2.ContainerStopResponse()

    @rpc("TaskResult")
    async def result(self, request: api_pb2.TaskResultRequest, caller: str) -> None:
        """Note why a container could not start."""
        if caller in self.alive:
            self.alive[caller].failure = request.result
