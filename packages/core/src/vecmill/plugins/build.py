"""Build: a component's name and options become a component."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from vecmill.errors import ConfigError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from vecmill.plugins.registry import Registry
    from vecmill.records import ComponentSpec

SHOWN = 80
"""Characters of a wrong value that an error quotes."""


def build(registry: Registry, kind: str, spec: ComponentSpec, *parts: Any) -> Any:  # noqa: ANN401 - the kind decides
    """Make the component that a job names.

    Raises:
        ConfigError: There is none of that name, or its options are wrong.
    """
    cls = registry.get(kind, spec.name)
    return cls(options(cls, kind, spec.options), *parts)


def options(cls: type[Any], kind: str, values: dict[str, Any]) -> BaseModel:
    """Validate a component's options.

    Raises:
        ConfigError: Names every wrong key, what was found, and what is allowed.
    """
    try:
        return cls.Config(**values)  # type: ignore[no-any-return]
    except ValidationError as error:
        raise ConfigError("\n".join(explain(error, cls.Config, f"{kind}."))) from None


def explain(error: ValidationError, model: type[BaseModel], prefix: str = "") -> list[str]:
    """Say in one line each what is wrong with which key."""
    return [_line(fault, model, prefix) for fault in error.errors()]


def _line(fault: ErrorDetails, model: type[BaseModel], prefix: str) -> str:
    key = prefix + ".".join(str(part) for part in fault["loc"] if part != "[key]")
    if fault["type"] == "extra_forbidden":
        allowed = list(model.model_fields)
        close = difflib.get_close_matches(str(fault["loc"][-1]), allowed, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"{key}: unknown key; {hint}allowed: {', '.join(allowed)}"
    if fault["type"] == "missing":
        return f"{key}: this key is required and is missing"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{key}: {message[0].lower()}{message[1:]}; found {_shown(fault['input'])}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
