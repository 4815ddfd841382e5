"""Apps: what is deployed or runs, and its log."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from grpclib import Status
from modal_proto import api_pb2

from doubles.modal.rpc import refuse, rpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from doubles.modal.news import News
    from doubles.modal.numbering import Numbering

POLL_SECONDS = 55


@dataclass
class App:
    """An app.

    Attributes:
        name: Its deployment's name; empty for one that only runs.
        functions: Function ids by name.
        classes: Class ids by name.
        log: Lines of output, each with the container it is from.
        published: Raised with each deployment.
        done: Whether it only ran while its client did, and that is gone.
    """

    id: str
    description: str
    state: int
    name: str = ""
    functions: dict[str, str] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)
    log: list[tuple[str, str]] = field(default_factory=list)
    published: int = 0
    done: bool = False

    def since(self, index: int) -> list[api_pb2.TaskLogsBatch]:
        """Return the log from a place on."""
        return [
            api_pb2.TaskLogsBatch(task_id=container, items=[_line(line)], entry_id=str(number))
            for number, (container, line) in enumerate(self.log[index:], index + 1)
        ]


class Apps:
    """All apps.

    Attributes:
        apps: By id.
    """

    def __init__(self, number: Numbering, news: News) -> None:
        self._number = number
        self._news = news
        self.apps: dict[str, App] = {}

    def get(self, app: str) -> App:
        """Return an app.

        Raises:
            GRPCError: There is none of this id.
        """
        if app not in self.apps:
            raise refuse(Status.NOT_FOUND, f"App {app} not found")
        return self.apps[app]

    def deployed(self, name: str) -> App | None:
        """Return the app deployed under a name."""
        return next((app for app in self.apps.values() if app.name == name), None)

    def write(self, app: str, container: str, line: str) -> None:
        """Add to an app's log."""
        self.apps[app].log.append((container, line))
        self._news.tell()

    @rpc("AppCreate")
    async def create(self, request: api_pb2.AppCreateRequest, caller: str) -> api_pb2.AppCreateResponse:
        """Make an app."""
        app = App(self._number("ap"), request.description, request.app_state)
        self.apps[app.id] = app
        return api_pb2.AppCreateResponse(app_id=app.id, app_page_url=f"http://localhost/apps/{app.id}")

    @rpc("AppGetByDeploymentName")
    async def by_name(
        self, request: api_pb2.AppGetByDeploymentNameRequest, caller: str
    ) -> api_pb2.AppGetByDeploymentNameResponse:
        """Find a deployed app."""
        app = self.deployed(request.name)
        return api_pb2.AppGetByDeploymentNameResponse(app_id=app.id if app else "")

    @rpc("AppHeartbeat")
    async def heartbeat(self, request: api_pb2.AppHeartbeatRequest, caller: str) -> None:
        """Note that the client is alive."""
        self.get(request.app_id)

    @rpc("AppSetTags")
    async def tag(self, request: object, caller: str) -> None:
        """Take tags."""

    @rpc("AppPublish")
    async def publish(self, request: api_pb2.AppPublishRequest, caller: str) -> api_pb2.AppPublishResponse:
        """Make an app's functions callable."""
        app = self.get(request.app_id)
        app.state, app.name = request.app_state, request.name
        app.functions, app.classes = dict(request.function_ids), dict(request.class_ids)
        app.published += 1
        return api_pb2.AppPublishResponse(url=f"http://localhost/apps/{app.id}", deployed_at=time.time())

    @rpc("AppClientDisconnect")
    async def disconnect(self, request: api_pb2.AppClientDisconnectRequest, caller: str) -> None:
        """End an app that only ran while its client did."""
        app = self.get(request.app_id)
        app.done = app.state != api_pb2.APP_STATE_DEPLOYED
        self._news.tell()

    @rpc("AppGetLogs")
    async def logs(self, request: api_pb2.AppGetLogsRequest, caller: str) -> AsyncIterator[api_pb2.TaskLogsBatch]:
        """Send an app's log as it grows, until the client's time is up or the app is done."""
        app = self.get(request.app_id)
        sent = int(request.last_entry_id or 0)
        until = time.monotonic() + (request.timeout or POLL_SECONDS)
        while (left := until - time.monotonic()) > 0:
            for batch in app.since(sent):
                yield batch
                sent += 1
            if app.done:
                yield api_pb2.TaskLogsBatch(app_done=True, entry_id=str(sent))
                return
            if len(app.log) == sent:
                await self._news.wait(left)


def _line(text: str) -> api_pb2.TaskLogs:
    return api_pb2.TaskLogs(data=text, timestamp=time.time(), file_descriptor=api_pb2.FILE_DESCRIPTOR_STDOUT)
