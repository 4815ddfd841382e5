"""IdCheck: whether each document of a dataset stands in it once, in memory that does not grow with their number."""

from __future__ import annotations

import collections
import tempfile
from typing import TYPE_CHECKING

import numpy as np

from vecmill.store.ids import ROOM, hashes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt
    import pyarrow as pa

SPOOL_BYTES = 64_000_000
"""Hashes held in memory; more of them go to a temporary file."""


class IdCheck:
    """Collects the hashes of document ids, eight bytes each, and compares them a part at a time."""

    def __init__(self) -> None:
        self._spool = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 - closed by ``close``
        self._count = 0
        self._wanted: list[npt.NDArray[np.uint64]] = []

    def add(self, ids: pa.Array) -> None:
        """Add documents that the dataset counts: embedded ones, and those that the engine or the limit refused."""
        hashed = hashes(ids.to_pylist())
        self._spool.write(hashed.tobytes())
        self._count += len(hashed)

    def require(self, ids: pa.Array) -> None:
        """Add ids that a counted document must have: those of duplicates."""
        self._wanted.append(hashes(ids.to_pylist()))

    def compare(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        """Return the hashes that stand in more than one place, and the required ones that stand in none."""
        wanted = np.unique(np.concatenate([np.empty(0, np.uint64), *self._wanted]))
        repeated, present = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
        for values in self._parts():
            values.sort()
            repeated.append(np.unique(values[1:][values[1:] == values[:-1]]))
            present.append(np.intersect1d(wanted, values))
        return np.concatenate(repeated), np.setdiff1d(wanted, np.concatenate(present))

    def close(self) -> None:
        """Free the temporary file."""
        self._spool.close()

    def _parts(self) -> Iterator[npt.NDArray[np.uint64]]:
        """Yield all hashes, about ``ROOM`` at a time; equal ones are in one part."""
        parts = -(-self._count // ROOM)
        for part in range(parts):
            low, high = np.uint64(2**64 * part // parts), np.uint64(2**64 * (part + 1) // parts - 1)
            yield np.concatenate([values[(values >= low) & (values <= high)] for values in self._blocks()])

    def _blocks(self) -> Iterator[npt.NDArray[np.uint64]]:
        self._spool.seek(0)
        while block := self._spool.read(ROOM):
            yield np.frombuffer(block, np.uint64)


def repeated_ids(documents: Iterable[pa.Array], suspects: npt.NDArray[np.uint64]) -> list[str]:
    """Return the ids that stand in more than one place, of those that have one of these hashes: the ids decide."""
    counts: collections.Counter[str] = collections.Counter()
    for ids in documents:
        names = np.array(ids.to_pylist(), dtype=object)
        counts.update(names[np.isin(hashes(names), suspects)])
    return sorted(id_ for id_, count in counts.items() if count > 1)
