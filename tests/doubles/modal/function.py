"""Function: a function, or all methods of a class, as it was defined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modal_proto import api_pb2

ACCOUNT_CONTAINERS = 100
"""How many containers an account may run at once."""
OF_ALL = (
    "function_name",
    "function_type",
    "function_schema",
    "supported_input_formats",
    "supported_output_formats",
)
OF_FUNCTIONS = (*OF_ALL, "is_method", "class_parameter_info")
OF_DATA = (
    "module_name",
    "function_name",
    "function_type",
    "is_class",
    "timeout_secs",
    "autoscaler_settings",
    "schedule",
)


@dataclass
class Function:
    """What containers run, and what they need for it.

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
    def name(self) -> str:
        """Its name in its app; ``Class.*`` for a class."""
        return self.definition.function_name

    @property
    def gpus(self) -> list[str]:
        """The kinds of GPU that may do, best first; empty for one that needs none."""
        kinds = (choice.resources.gpu_config.gpu_type for choice in self.choices or [self.definition])
        return [kind for kind in kinds if kind]

    @property
    def max_containers(self) -> int:
        """How many containers may run at once."""
        definition = self.definition
        return definition.autoscaler_settings.max_containers or definition.concurrency_limit or ACCOUNT_CONTAINERS

    @property
    def concurrency(self) -> int:
        """How many inputs one container takes before another is wanted."""
        return self.definition.target_concurrent_inputs or self.definition.max_concurrent_inputs or 1

    @property
    def metadata(self) -> api_pb2.FunctionHandleMetadata:
        """What a client must know to call it."""
        methods = {name: self._of_method(name, found) for name, found in self.definition.method_definitions.items()}
        return api_pb2.FunctionHandleMetadata(
            app_id=self.app,
            method_handle_metadata=methods,
            base_function_id=self.base,
            **_picked(self.definition, OF_FUNCTIONS),
        )

    @property
    def data(self) -> api_pb2.FunctionData:
        """What a client is told of its definition."""
        ranked = [
            api_pb2.FunctionData.RankedFunction(rank=rank, function=choice) for rank, choice in enumerate(self.choices)
        ]
        return api_pb2.FunctionData(ranked_functions=ranked, **_picked(self.definition, OF_DATA))

    def _of_method(self, name: str, method: api_pb2.MethodDefinition) -> api_pb2.FunctionHandleMetadata:
        return api_pb2.FunctionHandleMetadata(
            app_id=self.app, is_method=True, use_method_name=name, **_picked(method, OF_ALL)
        )


def _picked(message: Any, fields: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(message, name) for name in fields}
