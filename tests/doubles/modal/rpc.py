"""RPC: how a method of the control plane becomes a handler of the gRPC server."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from google.protobuf import empty_pb2
from grpclib import GRPCError, Status
from grpclib.const import Cardinality, Handler
from modal_proto import api_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from doubles.modal.wire import Wire

SERVICE = api_pb2.DESCRIPTOR.services_by_name["ModalClient"]


def rpc(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a method ``(request, caller)`` as the answer to an RPC; an async generator answers a stream."""

    def mark(method: Callable[..., Any]) -> Callable[..., Any]:
        vars(method)["rpc"] = name
        return method

    return mark


class Service:
    """The control plane as one caller sees it.

    Args:
        parts: Objects with methods marked by ``rpc``.
        caller: The container's task id, or an empty string for the command line.
        wire: Takes note of all that is said.
    """

    def __init__(self, parts: Iterable[object], caller: str, wire: Wire) -> None:
        marked = (method for part in parts for _, method in inspect.getmembers(part, inspect.ismethod))
        self._methods = {method.rpc: method for method in marked if hasattr(method, "rpc")}
        self._caller = caller
        self._wire = wire

    def __mapping__(self) -> dict[str, Handler]:
        """Return a handler for every RPC there is; those that nobody answers say so."""
        return {f"/{SERVICE.full_name}/{method.name}": self._handler(method) for method in SERVICE.methods}

    def _handler(self, method: Any) -> Handler:
        kind = Cardinality.UNARY_STREAM if method.server_streaming else Cardinality.UNARY_UNARY
        return Handler(
            self._call(method.name), kind, _message(method.input_type.name), _message(method.output_type.name)
        )

    def _call(self, name: str) -> Callable[..., Any]:
        async def call(stream: Any) -> None:
            request = await stream.recv_message()
            self._wire.asked(self._caller, name, request)
            found = self._methods.get(name)
            if found is None:
                raise GRPCError(Status.UNIMPLEMENTED, f"the control plane's double does not answer {name}")
            if inspect.isasyncgenfunction(found):
                async for message in found(request, self._caller):
                    self._wire.answered(self._caller, message)
                    await stream.send_message(message)
            else:
                message = await found(request, self._caller) or empty_pb2.Empty()
                self._wire.answered(self._caller, message)
                await stream.send_message(message)

        return call


def _message(name: str) -> type[Any]:
    found: type[Any] = getattr(api_pb2, name, None) or getattr(empty_pb2, name)
    return found


def refuse(status: Status, message: str) -> GRPCError:
    """Return the error that the client turns into its own exception."""
    return GRPCError(status, message)
