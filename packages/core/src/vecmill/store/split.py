"""Split: how a run's source is cut into shards, kept from its first command to its last.

Whoever goes on with a run reads the same rows into the same shards, whatever a newer version would make of them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from vecmill.records import Partition
from vecmill.store.files import write_bytes

if TYPE_CHECKING:
    from vecmill.store.layout import Layout


class Split(BaseModel):
    """The shards of a run, before any is made.

    Attributes:
        keep: The source's columns to carry along, an Arrow schema in base64.
        partitions: One for each shard, in source order.
        documents: How many documents the source says it has, if it can tell without being split.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    keep: str
    partitions: tuple[Partition, ...]
    documents: int | None = None

    @property
    def digest(self) -> str:
        """Hash what decides which rows are in which shard, in hex."""
        described = [self.keep, *(partition.digest for partition in self.partitions)]
        return hashlib.sha256(json.dumps(described).encode()).hexdigest()

    @property
    def planned(self) -> int | None:
        """How many documents the partitions say they hold; None if one does not."""
        counts = [partition.documents for partition in self.partitions]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None


def write_split(layout: Layout, split: Split) -> None:
    """Keep a split for as long as its run is unfinished; compressed, a shard takes some tens of bytes."""
    write_bytes(layout.split, layout.temporary, gzip.compress(split.model_dump_json().encode(), 6, mtime=0))


def read_split(layout: Layout, digest: str) -> Split | None:
    """Return the split with this digest; None if there is none, or a damaged one."""
    try:
        found = Split.model_validate_json(gzip.decompress(layout.split.read_bytes()))
    except (OSError, EOFError, zlib.error, ValidationError):
        return None
    return found if found.digest == digest else None
