"""What a job file can say of this machine."""

from __future__ import annotations

from pydantic import Field

from vecmill.protocols import Options


class LocalOptions(Options):
    """How to use this machine.

    Attributes:
        workers: Processes; by default one for every eight processors. A worker's engine uses all the
            processors of its share, so more workers seldom mean more speed, but always more memory.
        attempts: How often a shard is tried before it counts as failed.
    """

    workers: int | None = Field(None, ge=1)
    attempts: int = Field(3, ge=1)
