"""Layouts: which functions and classes an app has, and how they are found by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grpclib import Status
from modal_proto import api_pb2

from doubles.modal.rpc import refuse, rpc

if TYPE_CHECKING:
    from doubles.modal.apps import Apps
    from doubles.modal.functions import Functions

CLASS = api_pb2.ClassHandleMetadata()


class Layouts:
    """Answers what is in an app."""

    def __init__(self, apps: Apps, functions: Functions) -> None:
        self._apps = apps
        self._functions = functions

    def of(self, key: str) -> api_pb2.AppLayout:
        """Return an app's objects with what a client or a container must know of each."""
        app = self._apps.get(key)
        functions = [
            api_pb2.Object(object_id=key, function_handle_metadata=self._functions.get(key).metadata)
            for key in app.functions.values()
        ]
        classes = [api_pb2.Object(object_id=key, class_handle_metadata=CLASS) for key in app.classes.values()]
        return api_pb2.AppLayout(objects=functions + classes, function_ids=app.functions, class_ids=app.classes)

    @rpc("AppGetLayout")
    async def layout(self, request: api_pb2.AppGetLayoutRequest, caller: str) -> api_pb2.AppGetLayoutResponse:
        """Return an app's objects."""
        return api_pb2.AppGetLayoutResponse(app_layout=self.of(request.app_id))

    @rpc("FunctionGet")
    async def function(self, request: api_pb2.FunctionGetRequest, caller: str) -> api_pb2.FunctionGetResponse:
        """Find a function of a deployed app by its name."""
        function = self._functions.get(self._named("Function", request, "functions"))
        return api_pb2.FunctionGetResponse(
            function_id=function.id, handle_metadata=function.metadata, function=function.data
        )

    @rpc("ClassGet")
    async def a_class(self, request: api_pb2.ClassGetRequest, caller: str) -> api_pb2.ClassGetResponse:
        """Find a class of a deployed app by its name."""
        return api_pb2.ClassGetResponse(class_id=self._named("Cls", request, "classes"), handle_metadata=CLASS)

    def _named(self, kind: str, request: api_pb2.FunctionGetRequest | api_pb2.ClassGetRequest, table: str) -> str:
        app = self._apps.deployed(request.app_name)
        key: str | None = getattr(app, table).get(request.object_tag) if app else None
        if key is None:
            raise refuse(Status.NOT_FOUND, f"Lookup failed for {kind} '{request.object_tag}' of '{request.app_name}'")
        return key
