"""Calls: what a caller asks for. Inputs go in, outputs come out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from grpclib import Status
from modal_proto import api_pb2

from doubles.modal.rpc import refuse, rpc
from doubles.modal.ticket import holder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from doubles.modal.call import Call
    from doubles.modal.functions import Functions
    from doubles.modal.ledger import Ledger
    from doubles.modal.news import News

PENDING = 2000
"""Inputs that may wait for one function."""
OUTSTANDING = 1000
"""Inputs that one ``map`` may have on the way."""
POLL_SECONDS = 5.0


class Calls:
    """The caller's side of the ledger."""

    def __init__(self, ledger: Ledger, functions: Functions, news: News) -> None:
        self._ledger = ledger
        self._functions = functions
        self._news = news

    @rpc("FunctionMap")
    async def begin(self, request: api_pb2.FunctionMapRequest, caller: str) -> api_pb2.FunctionMapResponse:
        """Begin a call."""
        function = self._functions.get(request.function_id)
        call = self._ledger.begin(function.id, request.function_call_invocation_type)
        return api_pb2.FunctionMapResponse(
            function_call_id=call.id,
            function_call_jwt=call.id,
            pipelined_inputs=self._add(call, request.pipelined_inputs),
            retry_policy=function.definition.retry_policy,
            sync_client_retries_enabled=True,
            max_inputs_outstanding=OUTSTANDING,
        )

    @rpc("FunctionPutInputs")
    async def put(self, request: api_pb2.FunctionPutInputsRequest, caller: str) -> api_pb2.FunctionPutInputsResponse:
        """Take more inputs of a call."""
        if self._ledger.waiting(request.function_id) + len(request.inputs) > PENDING:
            raise refuse(Status.RESOURCE_EXHAUSTED, f"the function has {PENDING} pending inputs")
        placed = self._add(self._call(request.function_call_id), request.inputs)
        return api_pb2.FunctionPutInputsResponse(inputs=placed)

    @rpc("FunctionRetryInputs")
    async def retry(
        self, request: api_pb2.FunctionRetryInputsRequest, caller: str
    ) -> api_pb2.FunctionRetryInputsResponse:
        """Queue inputs again whose last attempt failed."""
        for again in request.inputs:
            self._ledger.again(self._ledger.inputs[holder(again.input_jwt)], again.retry_count)
        return api_pb2.FunctionRetryInputsResponse(input_jwts=[again.input_jwt for again in request.inputs])

    @rpc("FunctionGetOutputs")
    async def outputs(
        self, request: api_pb2.FunctionGetOutputsRequest, caller: str
    ) -> api_pb2.FunctionGetOutputsResponse:
        """Return what is new, waiting for it if need be."""
        call = self._call(request.function_call_id)
        last = int(request.last_entry_id.partition("-")[0] or 0)
        until = time.monotonic() + request.timeout
        while not (fresh := list(call.since(last))) and (left := until - time.monotonic()) > 0:
            await self._news.wait(min(left, POLL_SECONDS))
        return api_pb2.FunctionGetOutputsResponse(
            outputs=fresh,
            idxs=[output.idx for output in fresh],
            last_entry_id=f"{len(call.outputs)}-0",
            num_unfinished_inputs=call.unfinished,
        )

    @rpc("FunctionCallFromId")
    async def from_id(
        self, request: api_pb2.FunctionCallFromIdRequest, caller: str
    ) -> api_pb2.FunctionCallFromIdResponse:
        """Find a call."""
        call = self._call(request.function_call_id)
        return api_pb2.FunctionCallFromIdResponse(function_call_id=call.id, num_inputs=len(call.inputs))

    @rpc("FunctionCallCancel")
    async def cancel(self, request: api_pb2.FunctionCallCancelRequest, caller: str) -> None:
        """End what a call has waiting."""
        self._ledger.cancel(self._call(request.function_call_id))

    def _call(self, key: str) -> Call:
        if key not in self._ledger.calls:
            raise refuse(Status.NOT_FOUND, f"FunctionCall {key} not found")
        return self._ledger.calls[key]

    def _add(
        self, call: Call, given: Iterable[api_pb2.FunctionPutInputsItem]
    ) -> list[api_pb2.FunctionPutInputsResponseItem]:
        return [self._ledger.add(call, item).placed for item in given]
