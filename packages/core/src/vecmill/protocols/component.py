"""Component: what sources, chunkers, embedders, runtimes and publishers have in common, and what their options mean."""

from __future__ import annotations

import importlib
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, get_args

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Iterator


class Options(BaseModel):
    """Base of every component's ``Config``: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class OptionMark(Enum):
    """What an option means besides its value; it stands in the annotation, ``path: Annotated[str, LOCATION]``.

    An option without a mark decides what comes out: with another value it is another run.

    Attributes:
        LOCATION: Where something is. It is no part of a run's identity, and of a path or an address the manifest,
            which others read, shows no more than the last part.
        INCIDENTAL: How fast to go, or what is said of the result: rows and vectors are the same with any value. It is
            no part of a run's identity either.
        MACHINE: What suits the machine that embeds. It is part of a run's identity; a query that is embedded on
            another machine leaves it out.
    """

    LOCATION = "location"
    INCIDENTAL = "incidental"
    MACHINE = "machine"


LOCATION = OptionMark.LOCATION
INCIDENTAL = OptionMark.INCIDENTAL
MACHINE = OptionMark.MACHINE


class _MarkedOptions:
    """The names of a component's options with one of these marks, and those that a class names itself."""

    def __init__(self, *marks: OptionMark, named: frozenset[str] = frozenset()) -> None:
        self.marks = marks
        self.named = named

    def __get__(self, component: object, cls: type[Any]) -> frozenset[str]:
        config: type[BaseModel] = cls.Config
        if not config.__pydantic_complete__:  # a field has a type that is defined below the class
            config.model_rebuild()
        marked = {
            name
            for name, field in config.model_fields.items()
            if any(mark in self.marks for mark in (*field.metadata, *_find_marks(field.annotation)))
        }
        return self.named | marked


def _find_marks(annotation: object) -> Iterator[object]:
    """Yield what is inside of an annotation, at any depth: a mark may be on one of several types."""
    for part in get_args(annotation):
        if isinstance(part, OptionMark):
            yield part
        else:
            yield from _find_marks(part)


def marked_options(*marks: OptionMark) -> Any:  # noqa: ANN401 - to a type checker it is the set that is read
    """Return a class attribute: the names of the options that have one of these marks."""
    return _MarkedOptions(*marks)


class _Later:
    """Stands for a ``Config`` that is in another module. Components are converted one by one; then it goes."""

    def __init__(self, place: str) -> None:
        self.place = place

    def __get__(self, component: object, cls: type[Any]) -> type[BaseModel]:
        module, _, name = self.place.partition(":")
        return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]


def later(place: str) -> Any:  # noqa: ANN401 - to a type checker it is the class that it stands for
    """Return a ``Config`` that is imported from ``module:Class`` when it is first used."""
    return _Later(place)


ConfigT = TypeVar("ConfigT", bound=BaseModel)


class Component(Generic[ConfigT]):
    """Something a job file names.

    Attributes:
        name: How a job file asks for it: ``name = "paragraphs"``.
        version: Raised by its author when the same options begin to give another result.
        Config: Its options, a pydantic model. A job with other keys or types is refused.
        location: The names of the options that are marked ``LOCATION`` or ``INCIDENTAL``. A class that sets it adds to
            those. A ``pathlib.Path`` is shown to others like a ``LOCATION``, marked or not, but is part of the
            identity unless it is marked.
        config: The validated options of this instance.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    Config: ClassVar[type[BaseModel]] = Options
    location: ClassVar[frozenset[str]] = marked_options(LOCATION, INCIDENTAL)

    def __init__(self, config: ConfigT) -> None:
        self.config: ConfigT = config

    def __init_subclass__(cls, **options: object) -> None:
        """Have names that the class gives in ``location`` or ``machine`` stand beside those that are marked."""
        super().__init_subclass__(**options)
        for attribute, named in list(vars(cls).items()):
            inherited = _find_marked_options(cls, attribute)
            if inherited is not None and isinstance(named, set | frozenset):
                setattr(cls, attribute, _MarkedOptions(*inherited.marks, named=frozenset(named)))

    def pinned(self) -> ConfigT:
        """Return the options with all that could move (a branch, ``"auto"``) replaced by what it means now.

        The driver calls this once; workers are given the answer, so all of them do the same.
        """
        return self.config


def _find_marked_options(cls: type[Any], attribute: str) -> _MarkedOptions | None:
    """Return what a base class has under that name, if it is the names of marked options."""
    found = next((vars(base)[attribute] for base in cls.__mro__[1:] if attribute in vars(base)), None)
    return found if isinstance(found, _MarkedOptions) else None
