"""Kept: the columns of a source that every row of the dataset has beside vecmill's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from vecmill.errors import SourceError
from vecmill.sources.carried import OWN, load

if TYPE_CHECKING:
    from vecmill.records import ShardTask


class Kept:
    """What the plan says of the columns carried along: every shard has just these, whatever is in it.

    Attributes:
        fields: The columns.
    """

    def __init__(self, task: ShardTask) -> None:
        self.fields = load(task.spec.keep)
        self._shard = task.index

    def of(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return these columns of some of the source's rows.

        Raises:
            SourceError: The rows have other columns, or values that do not fit.
        """
        planned = [field.name for field in self.fields]
        found = [name for name in batch.schema.names if name not in OWN]
        if sorted(found) != sorted(planned):
            raise SourceError(
                f"shard {self._shard} has the columns {_told(found)} to carry along, and the first rows of the corpus "
                f"have {_told(planned)}: make them the same, or report it to the source's author"
            )
        return self._cast(batch.select(planned)) if planned else batch.select([])

    def _cast(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        columns = [self._column(rows.column(field.name), field) for field in self.fields]
        return pa.RecordBatch.from_arrays(columns, schema=pa.schema(self.fields))

    def _column(self, column: pa.Array, field: pa.Field) -> pa.Array:
        try:
            return column.cast(field.type)
        except pa.ArrowException as error:
            raise SourceError(
                f"the column {field.name!r} holds {column.type} in shard {self._shard}, and {field.type} in the first "
                f"rows of the corpus: make them the same, or take it out of source.keep ({error})"
            ) from error


def _told(names: list[str]) -> str:
    return ", ".join(names) or "none"
