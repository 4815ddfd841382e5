"""Errand and Sent: what a publisher has workers do with their shards, and what came of it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from vecmill.records.bounds import Sha256, Tree, Word
from vecmill.records.component import ComponentSpec


class Errand(BaseModel):
    """A publisher that workers send their shards with.

    Attributes:
        publisher: Its name and its options; secrets are not among them, a worker finds its own.
        ready: What its ``prepare`` returned in the driver.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    publisher: ComponentSpec
    ready: dict[str, Any] = Field(default_factory=dict)


class Sent(BaseModel):
    """A shard that a worker sent.

    Attributes:
        publisher: Whose errand it was, by name.
        sha256: Of the shard, in hex.
        note: What the publisher's ``send`` returned; opaque to all others.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    publisher: Word
    sha256: Sha256
    note: Tree = Field(default_factory=dict)
