"""Apps: what is deployed or runs, its layout, and its log."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from grpclib import Status
from modal_proto import api_pb2

from doubles.modal.rpc import refuse, rpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from doubles.modal.numbering import Numbering

DONE = frozenset({api_pb2.APP_STATE_STOPPED})


@dataclass
class App:
    """An app.

    Attributes:
        name: Its deployment's name; empty for one that only runs.
        functions: Function ids by name.
        classes: Class ids by name.
        log: Lines of output, each with the container it is from.
        published: Raised with each deployment.
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


class Apps:
    """All apps.

    Attributes:
        apps: By id.
        describe: Fills a layout with an app's objects; set by the plane, for functions know more than apps do.
        stopped: Called with an app's id when it ends.
    """

    def __init__(self, number: Numbering) -> None:
        self._number = number
        self._news = asyncio.Condition()
        self.apps: dict[str, App] = {}
        self.describe: Callable[[App], api_pb2.AppLayout] = lambda _: api_pb2.AppLayout()
        self.stopped: Callable[[str], None] = lambda _: None

    def deployed(self, name: str) -> App | None:
        """Return the app deployed under a name."""
        return next((app for app in self.apps.values() if app.name == name), None)

    async def write(self, app: str, container: str, line: str) -> None:
        """Add to an app's log."""
        async with self._news:
            self.apps[app].log.append((container, line))
            self._news.notify_all()

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

    @rpc("AppGetLayout")
    async def layout(self, request: api_pb2.AppGetLayoutRequest, caller: str) -> api_pb2.AppGetLayoutResponse:
        """Return an app's objects."""
        return api_pb2.AppGetLayoutResponse(app_layout=self.describe(self._get(request.app_id)))

    @rpc("AppHeartbeat")
    async def heartbeat(self, request: api_pb2.AppHeartbeatRequest, caller: str) -> None:
        """Note that the client is alive."""
        self._get(request.app_id)

    @rpc("AppSetTags")
    async def tag(self, request: object, caller: str) -> None:
        """Take tags."""

    @rpc("AppPublish")
    async def publish(self, request: api_pb2.AppPublishRequest, caller: str) -> api_pb2.AppPublishResponse:
        """Make an app's functions callable."""
        app = self._get(request.app_id)
        app.state, app.name = request.app_state, request.name
        app.functions, app.classes = dict(request.function_ids), dict(request.class_ids)
        app.published += 1
        return api_pb2.AppPublishResponse(url=f"http://localhost/apps/{app.id}", deployed_at=time.time())

    @rpc("AppClientDisconnect")
    async def disconnect(self, request: api_pb2.AppClientDisconnectRequest, caller: str) -> None:
        """End an app that only ran while its client did."""
        app = self._get(request.app_id)
        if app.state != api_pb2.APP_STATE_DEPLOYED:
            self.stopped(app.id)
            app.done = True
            async with self._news:
                self._news.notify_all()

    @rpc("AppGetLogs")
    async def logs(self, request: api_pb2.AppGetLogsRequest, caller: str) -> AsyncIterator[api_pb2.TaskLogsBatch]:
        """Send an app's log as it grows, until the client's time is up or the app is done."""
        app = self._get(request.app_id)
        sent = int(request.last_entry_id or 0)
        until = time.monotonic() + (request.timeout or 55)
        while time.monotonic() < until:
            fresh, sent = app.log[sent:], len(app.log)
            for number, (container, line) in enumerate(fresh, sent - len(fresh) + 1):
                item = api_pb2.TaskLogs(
                    data=line, timestamp=time.time(), file_descriptor=api_pb2.FILE_DESCRIPTOR_STDOUT
                )
                yield api_pb2.TaskLogsBatch(task_id=container, items=[item], entry_id=str(number))
            if app.done:
                yield api_pb2.TaskLogsBatch(app_done=True, entry_id=str(sent))
                return
            async with self._news:
                if len(app.log) == sent:
                    await _wait(self._news, 0.5)

    def _get(self, app: str) -> App:
        if app not in self.apps:
            raise refuse(Status.NOT_FOUND, f"App {app} not found")
        return self.apps[app]


async def _wait(news: asyncio.Condition, seconds: float) -> None:
    try:
        await asyncio.wait_for(news.wait(), seconds)
    except TimeoutError:
        return
