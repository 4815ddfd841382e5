"""Variants: a function with parameters of its class, or with other options than it was defined with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modal_proto import api_pb2

from doubles.modal.function import Function
from doubles.modal.limits import check
from doubles.modal.rpc import rpc

if TYPE_CHECKING:
    from doubles.modal.functions import Functions
    from doubles.modal.numbering import Numbering

SCALING = {
    "concurrency_limit": "max_containers",
    "warm_pool_size": "min_containers",
    "buffer_containers": "buffer_containers",
    "task_idle_timeout_secs": "scaledown_window",
}
"""Options that a definition has under other names."""
WHOLE = ("retry_policy",)
"""Options whose parts belong together: no retries is a policy, too."""


class Variants:
    """Makes variants; the same wish always gives the same function."""

    def __init__(self, functions: Functions, number: Numbering) -> None:
        self._functions = functions
        self._number = number
        self._known: dict[bytes, str] = {}

    @rpc("FunctionBindParams")
    async def bind(self, request: api_pb2.FunctionBindParamsRequest, caller: str) -> api_pb2.FunctionBindParamsResponse:
        """Make a variant, or find it."""
        wish = request.SerializeToString(deterministic=True)
        if wish not in self._known:
            self._known[wish] = self._make(request)
        function = self._functions.get(self._known[wish])
        return api_pb2.FunctionBindParamsResponse(bound_function_id=function.id, handle_metadata=function.metadata)

    def _make(self, request: api_pb2.FunctionBindParamsRequest) -> str:
        base = self._functions.get(request.function_id)
        options = request.function_options
        chosen = [_changed(choice, options) for choice in base.choices]
        if options.resources.gpu_config.gpu_type:
            del chosen[1:]  # one kind in place of all
        check(chosen[0])
        key = self._number("fu")
        self._functions.functions[key] = Function(
            key, base.app, chosen[0], chosen, base=base.id, parameters=request.serialized_params
        )
        return key


def _changed(definition: api_pb2.Function, options: api_pb2.FunctionOptions) -> api_pb2.Function:
    """Return a definition with options in place of its own."""
    changed = api_pb2.Function()
    changed.CopyFrom(definition)
    _apply(options, changed)
    return changed


def _apply(options: api_pb2.FunctionOptions, definition: api_pb2.Function) -> None:
    """Put the options of ``with_options`` in place of a definition's own."""
    if options.replace_secret_ids:
        del definition.secret_ids[:]
    if options.replace_volume_mounts:
        del definition.volume_mounts[:]
    for field, value in options.ListFields():
        if field.name in SCALING:
            setattr(definition.autoscaler_settings, SCALING[field.name], value)
        elif field.name in definition.DESCRIPTOR.fields_by_name:
            _put(definition, field.name, value)


def _put(definition: api_pb2.Function, name: str, value: Any) -> None:
    field = definition.DESCRIPTOR.fields_by_name[name]
    if field.is_repeated:
        getattr(definition, name).extend(value)
    elif name in WHOLE:
        getattr(definition, name).CopyFrom(value)
    elif field.message_type is not None:
        getattr(definition, name).MergeFrom(value)
    else:
        setattr(definition, name, value)
