"""Outcome: what comes back of one attempt at a shard."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from vecmill.errors import ConfigError, EngineError, ModelError, PluginError, SourceError, UnfitEngineError
from vecmill.records import Receipt
from vecmill.redaction import redacted

FINAL = (ConfigError, ModelError, PluginError, SourceError, UnfitEngineError)
"""Errors that another attempt would meet again."""


class Outcome(BaseModel):
    """A receipt, or an error. Without the shard's number nobody could tell whose error it is.

    Attributes:
        final: Whether another attempt would fail the same way.
        engine: Whether other shards would, too, because the engine refuses whatever it is given.
        unusable: The container that did it, if that never had its model and its router.
        call: What Modal calls the ``map`` that the shard belongs to; empty where it does not say.
    """

    model_config = ConfigDict(frozen=True)

    index: int
    receipt: Receipt | None = None
    error: str = ""
    final: bool = False
    engine: bool = False
    unusable: str = ""
    call: str = ""


def failure(index: int, error: Exception, router: str = "", unusable: str = "") -> Outcome:
    """Return the outcome of an attempt that raised.

    Args:
        index: The shard's number.
        error: What was raised.
        router: The last words of the router beside the worker, if it died; an engine's failure ends with them.
        unusable: The container, if it never had its model and its router.
    """
    text = str(error) if str(error) and isinstance(error, FINAL) else f"{type(error).__name__}: {error}"
    if router and isinstance(error, EngineError):
        text = f"{text}\n    {router}"
    # Here, for the secrets of a container are not those of the driver.
    return Outcome(
        index=index,
        error=redacted(text),
        final=isinstance(error, FINAL),
        engine=isinstance(error, UnfitEngineError),
        unusable=unusable,
    )
