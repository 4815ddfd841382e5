"""Tests of vecmill.protocols.component."""

from typing import Annotated, Any

import pytest
from pydantic import Field

from vecmill import INCIDENTAL, LOCATION, MACHINE, Chunker, Embedder, Options
from vecmill.protocols import Batching


class Marked(Embedder["Marked.Config"]):
    """An embedder with every mark, in all the ways they are written."""

    class Config(Options):
        """Marks stand at any depth of an annotation, beside what else is said there."""

        model: Annotated[str, LOCATION]
        caches: tuple[Annotated[str, LOCATION], ...] = ()
        url: Annotated[str, LOCATION, Field(min_length=1)] | None = None
        threads: Annotated[int, Field(ge=1), INCIDENTAL] = 1
        precision: Annotated[str, MACHINE] = "auto"
        prompt: str = ""


def test_marked_options_are_known_by_name():
    """Of the class and of its instances; values are checked as without marks."""
    assert Marked.location == {"model", "caches", "url", "threads"}
    assert Marked.machine == {"precision"}
    assert Marked.Config(model="m").threads == 1
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        Marked.Config(model="m", threads=0)


def test_a_class_that_names_options_adds_to_those_that_are_marked():
    """As plugins did before there were marks; what is derived from one has both, too."""

    class Named(Batching[Options]):
        location = frozenset({"path"})

    class Both(Marked):
        location = frozenset({"prompt"})
        machine = frozenset({"threads"})

    class Wider(Both):
        class Config(Marked.Config):
            folder: Annotated[str, LOCATION] = ""

    assert Named.location == {"path"}
    assert Both.location == Marked.location | {"prompt"}
    assert Both.machine == {"precision", "threads"}
    assert Wider.location == Both.location | {"folder"}
    assert Wider.machine == Both.machine


def test_a_mark_is_found_though_a_type_is_defined_below_the_class():
    """Pydantic reads such options when they are first used, and so does what they mean."""

    class Early(Chunker[Any]):
        class Config(Options):
            words: "Annotated[Words, LOCATION]"  # type: ignore[name-defined]  # noqa: F821 - the point
            size: int = 3

    globals()["Words"] = tuple[str, ...]
    try:
        assert Early.location == {"words"}
    finally:
        del globals()["Words"]


def test_a_component_without_options_has_none():
    """What it takes by default is as strict as all others, and means nothing else."""
    assert Batching.Config is Options
    assert Batching.location == Embedder.machine == frozenset()
