"""Functions and classes: their definitions, and variants of them with parameters or other options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from grpclib import Status
from modal_proto import api_pb2

from doubles.modal.rpc import refuse, rpc

if TYPE_CHECKING:
    from doubles.modal.apps import App, Apps
    from doubles.modal.numbering import Numbering


@dataclass
class Function:
    """A function, or all methods of a class.

    Attributes:
        definition: What a container is given.
        choices: The same with each GPU that may do, best first.
        base: The function that this is a variant of.
        parameters: The class's parameters, serialised.
    """

    id: str
    app: str
    definition: api_pb2.Function
    choices: list[api_pb2.Function]
    base: str = ""
    parameters: bytes = b""

    @property
    def max_containers(self) -> int:
        """How many containers may run at once; 100 is the account's limit."""
        return self.definition.autoscaler_settings.max_containers or self.definition.concurrency_limit or 100


class Functions:
    """All functions and classes.

    Attributes:
        functions: By id.
    """

    def __init__(self, apps: Apps, number: Numbering) -> None:
        self._apps = apps
        self._number = number
        self._owners: dict[str, str] = {}
        self._variants: dict[bytes, str] = {}
        self.functions: dict[str, Function] = {}
        apps.describe = self.layout

    def get(self, function: str) -> Function:
        """Return a function.

        Raises:
            GRPCError: There is none of this id.
        """
        if function not in self.functions:
            raise refuse(Status.NOT_FOUND, f"Function {function} not found")
        return self.functions[function]

    def layout(self, app: App) -> api_pb2.AppLayout:
        """Return an app's objects with what a client or a container must know of each."""
        functions = [
            api_pb2.Object(object_id=key, function_handle_metadata=self._metadata(self.functions[key]))
            for key in app.functions.values()
        ]
        classes = [
            api_pb2.Object(object_id=key, class_handle_metadata=api_pb2.ClassHandleMetadata())
            for key in app.classes.values()
        ]
        return api_pb2.AppLayout(objects=functions + classes, function_ids=app.functions, class_ids=app.classes)

    @rpc("FunctionPrecreate")
    async def precreate(
        self, request: api_pb2.FunctionPrecreateRequest, caller: str
    ) -> api_pb2.FunctionPrecreateResponse:
        """Give a function its id before its definition is known."""
        function = request.existing_function_id or self._number("fu")
        self._owners[function] = request.app_id
        definition = api_pb2.Function(
            function_name=request.function_name,
            function_type=request.function_type,
            method_definitions=request.method_definitions,
        )
        metadata = self._metadata(Function(function, request.app_id, definition, []))
        return api_pb2.FunctionPrecreateResponse(function_id=function, handle_metadata=metadata)

    @rpc("FunctionCreate")
    async def create(self, request: api_pb2.FunctionCreateRequest, caller: str) -> api_pb2.FunctionCreateResponse:
        """Take a definition: plain, or one for each GPU that may do."""
        choices = [ranked.function for ranked in request.function_data.ranked_functions] or [request.function]
        _check(choices[0])
        key = request.existing_function_id or self._number("fu")
        function = Function(key, request.app_id, choices[0], choices)
        self.functions[key] = function
        return api_pb2.FunctionCreateResponse(
            function_id=key,
            function=choices[0],
            handle_metadata=self._metadata(function),
            function_data=_data(function),
        )

    @rpc("ClassCreate")
    async def create_class(self, request: api_pb2.ClassCreateRequest, caller: str) -> api_pb2.ClassCreateResponse:
        """Give a class its id."""
        key = request.existing_class_id or self._number("cs")
        return api_pb2.ClassCreateResponse(class_id=key, handle_metadata=api_pb2.ClassHandleMetadata())

    @rpc("FunctionGet")
    async def look_up(self, request: api_pb2.FunctionGetRequest, caller: str) -> api_pb2.FunctionGetResponse:
        """Find a function of a deployed app by its name."""
        app = self._apps.deployed(request.app_name)
        key = app.functions.get(request.object_tag) if app else None
        if key is None:
            raise refuse(Status.NOT_FOUND, f"Lookup failed for Function '{request.object_tag}' of '{request.app_name}'")
        function = self.get(key)
        return api_pb2.FunctionGetResponse(
            function_id=key, handle_metadata=self._metadata(function), function=_data(function)
        )

    @rpc("ClassGet")
    async def look_up_class(self, request: api_pb2.ClassGetRequest, caller: str) -> api_pb2.ClassGetResponse:
        """Find a class of a deployed app by its name."""
        app = self._apps.deployed(request.app_name)
        key = app.classes.get(request.object_tag) if app else None
        if key is None:
            raise refuse(Status.NOT_FOUND, f"Lookup failed for Cls '{request.object_tag}' of '{request.app_name}'")
        return api_pb2.ClassGetResponse(class_id=key, handle_metadata=api_pb2.ClassHandleMetadata())

    @rpc("FunctionBindParams")
    async def bind(self, request: api_pb2.FunctionBindParamsRequest, caller: str) -> api_pb2.FunctionBindParamsResponse:
        """Make a variant of a function: with parameters of its class, or with other options."""
        content = request.SerializeToString(deterministic=True)
        if content not in self._variants:
            base = self.get(request.function_id)
            definition = api_pb2.Function()
            definition.CopyFrom(base.definition)
            _apply(request.function_options, definition)
            key = self._number("fu")
            self.functions[key] = Function(
                key, base.app, definition, [definition], base=base.id, parameters=request.serialized_params
            )
            self._variants[content] = key
        function = self.functions[self._variants[content]]
        return api_pb2.FunctionBindParamsResponse(
            bound_function_id=function.id, handle_metadata=self._metadata(function)
        )

    def _metadata(self, function: Function) -> api_pb2.FunctionHandleMetadata:
        definition = function.definition
        methods = {
            name: api_pb2.FunctionHandleMetadata(
                app_id=function.app,
                function_name=method.function_name,
                function_type=method.function_type,
                is_method=True,
                use_method_name=name,
                function_schema=method.function_schema,
                supported_input_formats=method.supported_input_formats,
                supported_output_formats=method.supported_output_formats,
            )
            for name, method in definition.method_definitions.items()
        }
        return api_pb2.FunctionHandleMetadata(
            app_id=function.app,
            function_name=definition.function_name,
            function_type=definition.function_type,
            is_method=definition.is_method,
            class_parameter_info=definition.class_parameter_info,
            method_handle_metadata=methods,
            function_schema=definition.function_schema,
            supported_input_formats=definition.supported_input_formats,
            supported_output_formats=definition.supported_output_formats,
            base_function_id=function.base,
        )


def _apply(options: api_pb2.FunctionOptions, definition: api_pb2.Function) -> None:
    """Put the options of ``with_options`` in place of a definition's own."""
    if options.replace_secret_ids:
        del definition.secret_ids[:]
    if options.replace_volume_mounts:
        del definition.volume_mounts[:]
    for field, value in options.ListFields():
        target = definition.DESCRIPTOR.fields_by_name.get(field.name)
        if target is None:
            continue
        if target.is_repeated:
            getattr(definition, field.name).extend(value)
        elif target.message_type is not None:
            getattr(definition, field.name).MergeFrom(value)
        else:
            setattr(definition, field.name, value)


def _data(function: Function) -> api_pb2.FunctionData:
    ranked = [
        api_pb2.FunctionData.RankedFunction(rank=rank, function=choice) for rank, choice in enumerate(function.choices)
    ]
    definition = function.definition
    return api_pb2.FunctionData(
        module_name=definition.module_name,
        function_name=definition.function_name,
        function_type=definition.function_type,
        is_class=definition.is_class,
        timeout_secs=definition.timeout_secs,
        autoscaler_settings=definition.autoscaler_settings,
        schedule=definition.schedule,
        ranked_functions=ranked,
    )


def _check(definition: api_pb2.Function) -> None:
    """Refuse what Modal refuses.

    Raises:
        GRPCError: A GPU that there is none of, or a timeout out of range.
    """
    gpu = definition.resources.gpu_config.gpu_type
    if gpu and gpu not in GPUS:
        raise refuse(Status.INVALID_ARGUMENT, f"unsupported GPU type: {gpu}")
    if definition.timeout_secs and not 1 <= definition.timeout_secs <= DAY:
        raise refuse(Status.INVALID_ARGUMENT, f"timeout must be between 1 and {DAY} seconds")


GPUS = frozenset(
    {
        "T4",
        "L4",
        "A10",
        "A10G",
        "L40S",
        "A100",
        "A100-40GB",
        "A100-80GB",
        "RTX-PRO-6000",
        "H100",
        "H100!",
        "H200",
        "B200",
        "B200+",
        "ANY",
    }
)
DAY = 86_400
