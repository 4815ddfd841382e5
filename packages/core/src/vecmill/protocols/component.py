"""Component: what sources, chunkers, embedders, runtimes and publishers have in common."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

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


ConfigT = TypeVar("ConfigT", bound="BaseModel")


class Component(Generic[ConfigT]):
    """Something a job file names.

    Attributes:
        name: How a job file asks for it: ``name = "paragraphs"``.
        version: Raised by its author when the same options begin to give another result.
        Config: Its options, a pydantic model. A job with other keys or types is refused.
        location: Options that say *where* things are or *how fast* to go, not *what* comes out;
            they are left out of a run's identity, and of a path or an address among them the manifest,
            which others read, shows no more than the last part. So it does of every ``pathlib.Path``, which is
            left out of the identity only if it is named here.
        config: The validated options of this instance.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    Config: ClassVar[type[BaseModel]] = later("vecmill.protocols.options:Options")
    location: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, config: ConfigT) -> None:
        self.config: ConfigT = config

    def pinned(self) -> ConfigT:
        """Return the options with all that could move (a branch, ``"auto"``) replaced by what it means now.

        The driver calls this once; workers are given the answer, so all of them do the same.
        """
        return self.config
