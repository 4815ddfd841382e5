"""Call: one ``remote``, ``spawn`` or ``map``, with its inputs and its outputs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from doubles.modal.ticket import ticket

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Input:
    """One input: where it is, and how often it was begun.

    Attributes:
        container: The container that works on it; empty while it waits and when it is done.
        begun: When that container took it.
        retry: How often its caller sent it again.
        deaths: Containers that died over it.
    """

    id: str
    call: Call
    idx: int
    content: api_pb2.FunctionInput
    retry: int = 0
    container: str = ""
    begun: float = 0.0
    deaths: int = 0
    done: bool = False

    @property
    def placed(self) -> api_pb2.FunctionPutInputsResponseItem:
        """What its caller is told."""
        token = ticket(self.id, self.idx)
        return api_pb2.FunctionPutInputsResponseItem(idx=self.idx, input_id=self.id, input_jwt=token)

    @property
    def handed(self) -> api_pb2.FunctionGetInputsItem:
        """What its container is told."""
        return api_pb2.FunctionGetInputsItem(
            input_id=self.id,
            input=self.content,
            function_call_id=self.call.id,
            function_call_invocation_type=self.call.kind,
            retry_count=self.retry,
            attempt_token=f"{self.id}:{self.retry}:{self.deaths}",
        )


@dataclass
class Call:
    """Inputs of one function, and their outputs in the order in which they came.

    Attributes:
        function: The function's id.
        outputs: None where an output is void, for its input was sent again.
        unfinished: Inputs without an output.
    """

    id: str
    function: str
    kind: api_pb2.FunctionCallInvocationType.ValueType
    inputs: list[Input] = field(default_factory=list)
    outputs: list[api_pb2.FunctionGetOutputsItem | None] = field(default_factory=list)
    unfinished: int = 0

    def answer(self, item: Input, result: api_pb2.GenericResult, data_format: api_pb2.DataFormat.ValueType) -> None:
        """Add an input's output."""
        output = api_pb2.FunctionGetOutputsItem(
            result=result,
            idx=item.idx,
            input_id=item.id,
            data_format=data_format,
            task_id=item.container,
            retry_count=item.retry,
            output_created_at=time.time(),
        )
        self.outputs.append(output)
        self.unfinished -= 1

    def void(self, item: Input) -> None:
        """Take an input's outputs back."""
        self.outputs = [None if output and output.input_id == item.id else output for output in self.outputs]
        self.unfinished += 1

    def since(self, index: int) -> Iterator[api_pb2.FunctionGetOutputsItem]:
        """Return the outputs from a place on."""
        return (output for output in self.outputs[index:] if output is not None)
