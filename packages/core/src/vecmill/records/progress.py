"""Progress: how far a worker is with a shard."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts so far in one attempt at one shard."""

    shard: int
    documents: int = 0
    chunks: int = 0
    tokens: int = 0
    bytes: int = 0
