"""Calls: inputs wait in a queue, containers take them, outputs wait for the caller."""

from __future__ import annotations

import asyncio
import collections
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from grpclib import Status
from modal_proto import api_pb2

from doubles.modal.rpc import refuse, rpc
from doubles.modal.ticket import holder, ticket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from doubles.modal.functions import Functions
    from doubles.modal.numbering import Numbering

PENDING = 2000
"""Inputs that may wait for one function."""
OUTSTANDING = 1000
"""Inputs that one ``map`` may have on the way."""
RESCHEDULED = 8
"""How often an input is given to another container when its own dies."""
POLL_SECONDS = 5.0


@dataclass
class Input:
    """One input: where it is, and how often it was begun.

    Attributes:
        container: The container that works on it; empty while it waits and when it is done.
        begun: When that container took it.
        deaths: Containers that died over it.
    """

    id: str
    call: str
    function: str
    idx: int
    content: api_pb2.FunctionInput
    retry: int = 0
    container: str = ""
    begun: float = 0.0
    deaths: int = 0
    done: bool = False


@dataclass
class Call:
    """One ``remote``, ``spawn`` or ``map``.

    Attributes:
        outputs: Finished inputs, by the order in which they finished.
    """

    id: str
    function: str
    kind: int
    inputs: list[str] = field(default_factory=list)
    outputs: dict[int, api_pb2.FunctionGetOutputsItem] = field(default_factory=dict)
    finished: int = 0


class Calls:
    """All calls.

    Attributes:
        queues: The inputs that wait, by function.
        deepest: The most inputs that ever waited for one function.
        input_bytes: Size of all inputs so far.
        output_bytes: Size of all outputs so far.
        wanted: Called with a function's id when inputs came for it.
        leaving: Says whether a container is to take no more inputs.
        function_of: Says which function a container runs.
        asks: Called with a container's id when it asks for an input: it is up.
    """

    def __init__(self, functions: Functions, number: Numbering) -> None:
        self._functions = functions
        self._number = number
        self._news = asyncio.Condition()
        self.calls: dict[str, Call] = {}
        self.inputs: dict[str, Input] = {}
        self.queues: dict[str, collections.deque[str]] = collections.defaultdict(collections.deque)
        self.deepest = self.input_bytes = self.output_bytes = 0
        self.wanted: Callable[[str], None] = lambda _: None
        self.leaving: Callable[[str], bool] = lambda _: False
        self.function_of: Callable[[str], str] = lambda _: ""
        self.asks: Callable[[str], None] = lambda _: None

    def running(self, container: str) -> list[Input]:
        """Return the inputs that a container works on."""
        return [item for item in self.inputs.values() if item.container == container and not item.done]

    def load(self, function: str) -> int:
        """Return how many inputs of a function wait or are worked on."""
        at_work = sum(1 for item in self.inputs.values() if item.function == function and item.container)
        return len(self.queues[function]) + at_work

    async def wake(self) -> None:
        """Let everyone who waits look again."""
        async with self._news:
            self._news.notify_all()

    async def give_back(self, items: Iterable[Input], why: str) -> None:
        """Take inputs from a container that died, and let another have them; not for ever."""
        for item in items:
            item.container, item.deaths = "", item.deaths + 1
            if item.deaths > RESCHEDULED:
                await self.fail(item, why)
            else:
                self.queues[item.function].appendleft(item.id)
                self.wanted(item.function)
        await self.wake()

    async def fail(self, item: Input, why: str, status: int = api_pb2.GenericResult.GENERIC_STATUS_FAILURE) -> None:
        """End an input with an error of the platform's own."""
        await self._finish(item, api_pb2.GenericResult(status=status, exception=why), api_pb2.DATA_FORMAT_UNSPECIFIED)

    async def fail_waiting(self, function: str, result: api_pb2.GenericResult) -> None:
        """End every input that waits for a function whose containers cannot start."""
        while self.queues[function]:
            item = self.inputs[self.queues[function].popleft()]
            await self._finish(item, result, api_pb2.DATA_FORMAT_PICKLE)

    @rpc("FunctionMap")
    async def begin(self, request: api_pb2.FunctionMapRequest, caller: str) -> api_pb2.FunctionMapResponse:
        """Begin a call."""
        function = self._functions.get(request.function_id)
        call = Call(self._number("fc"), function.id, request.function_call_invocation_type)
        self.calls[call.id] = call
        placed = await self._put(call, request.pipelined_inputs)
        return api_pb2.FunctionMapResponse(
            function_call_id=call.id,
            function_call_jwt=call.id,
            pipelined_inputs=placed,
            retry_policy=function.definition.retry_policy,
            sync_client_retries_enabled=True,
            max_inputs_outstanding=OUTSTANDING,
        )

    @rpc("FunctionPutInputs")
    async def put(self, request: api_pb2.FunctionPutInputsRequest, caller: str) -> api_pb2.FunctionPutInputsResponse:
        """Take more inputs of a call."""
        if len(self.queues[request.function_id]) + len(request.inputs) > PENDING:
            raise refuse(Status.RESOURCE_EXHAUSTED, f"the function has {PENDING} pending inputs")
        return api_pb2.FunctionPutInputsResponse(inputs=await self._put(self._call(request), request.inputs))

    @rpc("FunctionRetryInputs")
    async def retry(
        self, request: api_pb2.FunctionRetryInputsRequest, caller: str
    ) -> api_pb2.FunctionRetryInputsResponse:
        """Queue inputs again whose last attempt failed."""
        call = self.calls[request.function_call_jwt]
        for again in request.inputs:
            item = self.inputs[holder(again.input_jwt)]
            call.outputs = {key: output for key, output in call.outputs.items() if output.input_id != item.id}
            item.done, item.retry = False, again.retry_count
            self._queue(item)
        await self.wake()
        return api_pb2.FunctionRetryInputsResponse(input_jwts=[again.input_jwt for again in request.inputs])

    @rpc("FunctionGetOutputs")
    async def outputs(
        self, request: api_pb2.FunctionGetOutputsRequest, caller: str
    ) -> api_pb2.FunctionGetOutputsResponse:
        """Return what is new, waiting for it if need be."""
        call = self._call(request)
        last = int(request.last_entry_id.partition("-")[0] or 0)
        until = time.monotonic() + request.timeout
        while True:
            fresh = {key: output for key, output in call.outputs.items() if key > last}
            left = until - time.monotonic()
            if fresh or left <= 0:
                break
            await self._wait(min(left, POLL_SECONDS))
        unfinished = sum(1 for key in call.inputs if not self.inputs[key].done)
        return api_pb2.FunctionGetOutputsResponse(
            outputs=fresh.values(),
            idxs=[output.idx for output in fresh.values()],
            last_entry_id=f"{max(fresh, default=last)}-0",
            num_unfinished_inputs=unfinished,
        )

    @rpc("FunctionCallFromId")
    async def from_id(
        self, request: api_pb2.FunctionCallFromIdRequest, caller: str
    ) -> api_pb2.FunctionCallFromIdResponse:
        """Find a call."""
        call = self._call(request)
        return api_pb2.FunctionCallFromIdResponse(function_call_id=call.id, num_inputs=len(call.inputs))

    @rpc("FunctionCallCancel")
    async def cancel(self, request: api_pb2.FunctionCallCancelRequest, caller: str) -> None:
        """End the inputs of a call that wait; those at work go on."""
        for key in self._call(request).inputs:
            item = self.inputs[key]
            if key in self.queues[item.function]:
                self.queues[item.function].remove(key)
                await self.fail(item, "cancelled", api_pb2.GenericResult.GENERIC_STATUS_TERMINATED)

    @rpc("FunctionGetInputs")
    async def take(self, request: api_pb2.FunctionGetInputsRequest, caller: str) -> api_pb2.FunctionGetInputsResponse:
        """Give a container an input, or tell it to go."""
        self.asks(caller)
        queue = self.queues[self.function_of(caller)]
        until = time.monotonic() + POLL_SECONDS
        while not queue and not self.leaving(caller) and time.monotonic() < until:
            await self._wait(0.5)
        if self.leaving(caller):
            return api_pb2.FunctionGetInputsResponse(inputs=[api_pb2.FunctionGetInputsItem(kill_switch=True)])
        return api_pb2.FunctionGetInputsResponse(inputs=[self._hand(queue.popleft(), caller)] if queue else [])

    @rpc("FunctionPutOutputs")
    async def finish(self, request: api_pb2.FunctionPutOutputsRequest, caller: str) -> None:
        """Take outputs from a container; one that lost its input meanwhile is not heard."""
        for output in request.outputs:
            item = self.inputs[output.input_id]
            if item.container == caller and item.retry == output.retry_count:
                self.output_bytes += output.ByteSize()
                await self._finish(item, output.result, output.data_format)

    def _call(self, request: object) -> Call:
        key = request.function_call_id
        if key not in self.calls:
            raise refuse(Status.NOT_FOUND, f"FunctionCall {key} not found")
        return self.calls[key]

    async def _put(
        self, call: Call, items: Iterable[api_pb2.FunctionPutInputsItem]
    ) -> list[api_pb2.FunctionPutInputsResponseItem]:
        placed = []
        for given in items:
            item = Input(self._number("in"), call.id, call.function, given.idx, given.input)
            self.inputs[item.id] = item
            call.inputs.append(item.id)
            self.input_bytes += given.ByteSize()
            self._queue(item)
            placed.append(
                api_pb2.FunctionPutInputsResponseItem(
                    idx=item.idx, input_id=item.id, input_jwt=ticket(item.id, item.idx)
                )
            )
        await self.wake()
        return placed

    def _queue(self, item: Input) -> None:
        item.container = ""
        self.queues[item.function].append(item.id)
        self.deepest = max(self.deepest, len(self.queues[item.function]))
        self.wanted(item.function)

    def _hand(self, key: str, container: str) -> api_pb2.FunctionGetInputsItem:
        item = self.inputs[key]
        item.container, item.begun = container, time.monotonic()
        return api_pb2.FunctionGetInputsItem(
            input_id=item.id,
            input=item.content,
            function_call_id=item.call,
            function_call_invocation_type=self.calls[item.call].kind,
            retry_count=item.retry,
            attempt_token=f"{item.id}:{item.retry}:{item.deaths}",
        )

    async def _finish(self, item: Input, result: api_pb2.GenericResult, data_format: int) -> None:
        call = self.calls[item.call]
        container, item.container, item.done = item.container, "", True
        call.finished += 1
        call.outputs[call.finished] = api_pb2.FunctionGetOutputsItem(
            result=result,
            idx=item.idx,
            input_id=item.id,
            data_format=data_format,
            task_id=container,
            retry_count=item.retry,
            output_created_at=time.time(),
        )
        await self.wake()

    async def _wait(self, seconds: float) -> None:
        async with self._news:
            try:
                await asyncio.wait_for(self._news.wait(), seconds)
            except TimeoutError:
                return
