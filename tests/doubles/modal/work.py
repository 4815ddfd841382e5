"""Work: what a container asks for. It takes inputs and returns outputs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from doubles.modal.rpc import rpc

if TYPE_CHECKING:
    from doubles.modal.containers import Containers
    from doubles.modal.ledger import Ledger
    from doubles.modal.news import News

POLL_SECONDS = 5.0


class Work:
    """The container's side of the ledger.

    Attributes:
        held: Functions whose outputs are not taken for now.
    """

    def __init__(self, ledger: Ledger, containers: Containers, news: News) -> None:
        self._ledger = ledger
        self._containers = containers
        self._news = news
        self.held: set[str] = set()

    @rpc("FunctionGetInputs")
    async def take(self, request: api_pb2.FunctionGetInputsRequest, caller: str) -> api_pb2.FunctionGetInputsResponse:
        """Give a container an input, or tell it to go."""
        container = self._containers.alive.get(caller)
        if container is not None:
            container.is_up()
        until = time.monotonic() + POLL_SECONDS
        while container is not None and not container.leaving:
            item = self._ledger.hand(container.function, container.id)
            if item is not None:
                return api_pb2.FunctionGetInputsResponse(inputs=[item.handed])
            if time.monotonic() > until:
                return api_pb2.FunctionGetInputsResponse()
            await self._news.wait(POLL_SECONDS)
        return api_pb2.FunctionGetInputsResponse(inputs=[api_pb2.FunctionGetInputsItem(kill_switch=True)])

    @rpc("FunctionPutOutputs")
    async def finish(self, request: api_pb2.FunctionPutOutputsRequest, caller: str) -> None:
        """Take outputs from a container; one that lost its input meanwhile is not heard."""
        while self._is_held(caller):
            await self._news.wait(POLL_SECONDS)
        for output in request.outputs:
            item = self._ledger.inputs[output.input_id]
            if item.container == caller and item.retry == output.retry_count:
                self._ledger.traffic[item.call.function].output_bytes += output.ByteSize()
                self._ledger.finish(item, output.result, output.data_format)

    def _is_held(self, caller: str) -> bool:
        return any(container.id == caller for name in self.held for container in self._containers.of(name))
