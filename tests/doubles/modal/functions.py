"""Functions: all that were defined, by id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grpclib import Status
from modal_proto import api_pb2

from doubles.modal.function import Function
from doubles.modal.limits import check
from doubles.modal.rpc import refuse, rpc

if TYPE_CHECKING:
    from doubles.modal.numbering import Numbering


class Functions:
    """All functions.

    Attributes:
        functions: By id.
    """

    def __init__(self, number: Numbering) -> None:
        self._number = number
        self.functions: dict[str, Function] = {}

    def get(self, function: str) -> Function:
        """Return a function.

        Raises:
            GRPCError: There is none of this id.
        """
        if function not in self.functions:
            raise refuse(Status.NOT_FOUND, f"Function {function} not found")
        return self.functions[function]

    @rpc("FunctionPrecreate")
    async def precreate(
        self, request: api_pb2.FunctionPrecreateRequest, caller: str
    ) -> api_pb2.FunctionPrecreateResponse:
        """Give a function its id before its definition is known."""
        key = request.existing_function_id or self._number("fu")
        known = api_pb2.Function(
            function_name=request.function_name,
            function_type=request.function_type,
            method_definitions=request.method_definitions,
        )
        function = Function(key, request.app_id, known, [])
        return api_pb2.FunctionPrecreateResponse(function_id=key, handle_metadata=function.metadata)

    @rpc("FunctionCreate")
    async def create(self, request: api_pb2.FunctionCreateRequest, caller: str) -> api_pb2.FunctionCreateResponse:
        """Take a definition: plain, or one for each GPU that may do."""
        choices = [ranked.function for ranked in request.function_data.ranked_functions] or [request.function]
        check(choices[0])
        key = request.existing_function_id or self._number("fu")
        function = self.functions[key] = Function(key, request.app_id, choices[0], choices)
        return api_pb2.FunctionCreateResponse(
            function_id=key, function=choices[0], handle_metadata=function.metadata, function_data=function.data
        )

    @rpc("ClassCreate")
    async def create_class(self, request: api_pb2.ClassCreateRequest, caller: str) -> api_pb2.ClassCreateResponse:
        """Give a class its id; its methods are a function."""
        key = request.existing_class_id or self._number("cs")
        return api_pb2.ClassCreateResponse(class_id=key, handle_metadata=api_pb2.ClassHandleMetadata())
