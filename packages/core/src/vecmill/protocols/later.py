"""Later: a component's options, imported when they are read."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from vecmill.errors import PluginError

if TYPE_CHECKING:
    from pydantic import BaseModel


class Later:
    """Stands for a ``Config``: to list components is not to read their options, and need not import pydantic."""

    def __init__(self, place: str) -> None:
        self.place = place

    def __get__(self, component: object, cls: type[Any]) -> type[BaseModel]:
        module, _, name = self.place.partition(":")
        try:
            return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]
        except Exception as error:
            raise PluginError(
                f"the options of {cls.__qualname__} cannot be read from {self.place}: {type(error).__name__}: {error}"
            ) from error


def later(place: str) -> Any:  # noqa: ANN401 - to a type checker it is the class that it stands for
    """Return a ``Config`` that is imported from ``module:Class`` when it is first used.

    Raises:
        PluginError: When it is used, if it is not there or cannot be imported.
    """
    return Later(place)
