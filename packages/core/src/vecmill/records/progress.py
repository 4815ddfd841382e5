"""Progress: how far a worker is with a shard."""

from __future__ import annotations

from typing import NamedTuple


class Progress(NamedTuple):
    """Counts so far in one attempt at one shard."""

    index: int
    documents: int = 0
    chunks: int = 0
    tokens: int = 0
    bytes: int = 0
