"""Engine: what goes wrong in an embedder is told with its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vecmill.errors import EngineError
from vecmill.named import named

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from vecmill.protocols import Embedder

ADVICE = "Run the same command again, for what is done is kept; if it fails again, report it to the embedder's author"


def asked(embedder: Embedder[Any], call: str) -> AbstractContextManager[None]:
    """Raise an ``EngineError`` with the embedder's name where it raises what is none of ours."""
    return named(f"the embedder {embedder.name!r} failed at {call}", EngineError, ADVICE)
