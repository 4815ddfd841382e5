"""CsvRows: records of a CSV file, made documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vecmill.sources.batches import Row

if TYPE_CHECKING:
    from vecmill.sources.columns import Projection
    from vecmill.sources.csv_records import CsvRecord
    from vecmill.sources.files import File


class CsvRows:
    """Reads the records of one ``file``."""

    def __init__(self, file: File, projection: Projection) -> None:
        """Look up where each column is.

        Args:
            file: The file.
            projection: What its header means.
        """
        header = projection.table.names
        self.file = file
        self._width = len(header)
        self._places = {role: header.index(name) for role, name in projection.roles.items()}
        self._keep = [header.index(field.name) for field in projection.keep]

    def row(self, record: CsvRecord, number: int) -> Row:
        """Return a record as a document; if it cannot be one, with the problem.

        Args:
            record: The record.
            number: The document's number in the source.
        """
        problem = record.problem
        if not problem and len(record.fields) != self._width:
            problem = f"has {len(record.fields)} fields, but the header has {self._width}"
        if problem:
            name = f"{self.file.name}:{record.line}"
            return Row(name, problem=f"{self.file.name} line {record.line} {problem}")
        values = {role: record.fields[place] for role, place in self._places.items()}
        keep = [record.fields[place] for place in self._keep]
        return Row(**{"id": str(number), **values}, keep=keep, size=sum(map(len, record.fields)))
