"""The interfaces a plugin implements. Each one's docstring is a worked example."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vecmill.protocols.batching import Batching
from vecmill.protocols.chunker import Chunker
from vecmill.protocols.component import Component, later
from vecmill.protocols.embedder import Embedder
from vecmill.protocols.publisher import Publisher
from vecmill.protocols.runtime import Runtime
from vecmill.protocols.source import Source
from vecmill.protocols.tokenizer import Tokenizer

if TYPE_CHECKING:
    from vecmill.protocols.options import Options

__all__ = [
    "Batching",
    "Chunker",
    "Component",
    "Embedder",
    "Options",
    "Publisher",
    "Runtime",
    "Source",
    "Tokenizer",
    "later",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - it is the class, stated above for type checkers
    """Import ``Options``, and pydantic with it, when it is first used."""
    if name == "Options":
        from vecmill.protocols.options import Options

        return Options
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
