"""Rows: the laws that every row of a dataset keeps, and what the rows add up to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vecmill.records import Account
from vecmill.store.ids import hashes
from vecmill.store.schema import dataset_schema
from vecmill.store.vectors import check_vectors

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from vecmill.records import Manifest


class RowCheck:
    """Checks tables of rows in dataset order, and counts them.

    Attributes:
        account: What the rows seen so far add up to.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._schema = dataset_schema(manifest.model.dimension)
        self._previous: tuple[str, int, int] | None = None
        self._ids: list[npt.NDArray[np.uint64]] = []
        self.account = Account()

    def columns(self, schema: pa.Schema) -> Iterator[str]:
        """Yield what is wrong with a shard's columns."""
        for field in self._schema:
            if field.name not in schema.names:
                yield f"column {field.name!r} is missing"
            elif schema.field(field.name).type != field.type:
                yield f"column {field.name!r} is {schema.field(field.name).type}, not {field.type}"
        yield from self._others(schema)

    def _others(self, schema: pa.Schema) -> Iterator[str]:
        """Yield where columns that were carried along are not the same in every shard, which readers refuse."""
        said = self._manifest.columns
        found = {field.name: str(field.type) for field in schema}
        for name in [name for name in said | found if said and name not in self._schema.names]:
            if said.get(name) != found.get(name):
                here, there = found.get(name, "missing"), said.get(name, "missing")
                yield f"column {name!r} is {here}, and in the manifest it is {there}"

    def rows(self, table: pa.Table, first: int) -> Iterator[str]:
        """Yield what is wrong with some rows; ``first`` is the number of the first one in its shard."""
        nulls = [name for name in self._schema.names if table.column(name).null_count]
        if nulls:
            yield f"rows from {first}: null in {', '.join(nulls)}"
            return
        columns = {name: table.column(name).to_numpy() for name in ("chunk_index", "start", "end", "tokens")}
        lengths = pc.utf8_length(table.column("text")).to_numpy()
        same = self._same_document(table.column("id").combine_chunks())
        yield from self._laws(columns, lengths, same, first)
        yield from self._vectors(table.column("embedding"), first)
        self._count(table, columns, same)

    def totals(self) -> Iterator[str]:
        """Yield where the rows do not add up to the manifest's account."""
        said = self._manifest.account
        for key in ("documents_embedded", "chunks", "characters", "tokens"):
            if getattr(self.account, key) != getattr(said, key):
                yield f"account.{key} is {getattr(said, key)}, and the rows add up to {getattr(self.account, key)}"
        if not said.balanced:
            yield (
                f"account: {said.documents_in} documents in, but {said.documents_embedded} embedded "
                f"and {said.documents_quarantined} quarantined"
            )
        ids = np.concatenate(self._ids) if self._ids else np.empty(0, np.uint64)
        repeated = len(ids) - len(np.unique(ids))
        if repeated:
            yield f"{repeated} document ids stand in more than one place"

    def _same_document(self, ids: pa.Array) -> npt.NDArray[np.bool_]:
        """Whether each row is of the same document as the row before it."""
        before = pa.concat_arrays([pa.array([self._previous[0] if self._previous else None], ids.type), ids[:-1]])
        return np.asarray(pc.fill_null(pc.equal(ids, before), fill_value=False))

    def _laws(
        self,
        columns: dict[str, npt.NDArray[np.int64]],
        lengths: npt.NDArray[np.int64],
        same: npt.NDArray[np.bool_],
        first: int,
    ) -> Iterator[str]:
        _, last_index, last_start = self._previous or ("", -1, 0)
        index, start = columns["chunk_index"], columns["start"]
        expected = np.where(same, np.concatenate([[last_index], index[:-1]]) + 1, 0)
        earliest = np.where(same, np.concatenate([[last_start], start[:-1]]), 0)
        laws = {
            "the text is not as long as its place says": columns["end"] - start != lengths,
            "the text is empty": lengths == 0,
            "chunk_index does not count from 0 in its document": index != expected,
            "start is before the chunk that comes earlier": start < earliest,
            "tokens is out of range": (columns["tokens"] < 0) | (columns["tokens"] > self._manifest.model.max_tokens),
        }
        for problem, broken in laws.items():
            if broken.any():
                yield f"row {first + int(np.argmax(broken))}: {problem} ({int(broken.sum())} rows)"

    def _vectors(self, column: pa.ChunkedArray, first: int) -> Iterator[str]:
        model = self._manifest.model
        flat = column.combine_chunks().flatten().to_numpy()
        faults = check_vectors(flat.reshape(-1, model.dimension), normalized=model.normalized)
        if faults:
            row = min(faults)
            yield f"row {first + row}: {faults[row]} ({len(faults)} rows)"

    def _count(self, table: pa.Table, columns: dict[str, npt.NDArray[np.int64]], same: npt.NDArray[np.bool_]) -> None:
        ids = table.column("id").combine_chunks()
        self._ids.append(hashes(ids.filter(pa.array(~same)).to_pylist()))
        self.account += Account(
            documents_embedded=int((~same).sum()),
            chunks=table.num_rows,
            characters=int((columns["end"] - columns["start"]).sum()),
            tokens=int(columns["tokens"].sum()),
        )
        self._previous = (ids[-1].as_py(), int(columns["chunk_index"][-1]), int(columns["start"][-1]))
