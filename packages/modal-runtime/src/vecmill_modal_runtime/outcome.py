"""Outcome: what comes back of one attempt at a shard."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from vecmill.errors import ConfigError, ModelError, PluginError, SourceError
from vecmill.records import Receipt

FINAL = (ConfigError, ModelError, PluginError, SourceError)
"""Errors that another attempt would meet again."""


class Outcome(BaseModel):
    """A receipt, or an error. Without the shard's number nobody could tell whose error it is.

    Attributes:
        final: Whether another attempt would fail the same way.
    """

    model_config = ConfigDict(frozen=True)

    index: int
    receipt: Receipt | None = None
    error: str = ""
    final: bool = False


def failure(index: int, error: Exception) -> Outcome:
    """Return the outcome of an attempt that raised."""
    text = str(error) if str(error) and isinstance(error, FINAL) else f"{type(error).__name__}: {error}"
    return Outcome(index=index, error=text, final=isinstance(error, FINAL))
