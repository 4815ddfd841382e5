"""JsonlSource: files with a JSON object on each line."""

from __future__ import annotations

from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from vecmill.errors import SourceError
from vecmill.sources.files_source import RecordSource
from vecmill.sources.lines import Line, endings, lines
from vecmill.sources.partitions import RowRange

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from vecmill.records import Partition
    from vecmill.sources.files import File
    from vecmill.sources.json_schema import Shape
    from vecmill.sources.options import FilesConfig


class JsonlSource(RecordSource["FilesConfig", Line]):
    """JSON Lines, plain or compressed. Blank lines are no documents; a broken line is one, with a problem."""

    name = "jsonl"
    suffixes = (*endings(".jsonl"), *endings(".ndjson"))

    def read(self, partition: Partition) -> Iterator[pa.RecordBatch]:
        """Stream one partition's documents."""
        from vecmill.sources.batches import gather_batches
        from vecmill.sources.json_rows import JsonRows
        from vecmill.sources.json_schema import Shape

        shape = Shape.load(partition.where["shape"])
        reader = JsonRows(self.config, shape)
        return gather_batches(
            (reader.row(*found) for found in self._locate_records(RowRange.of(partition))), shape.keep
        )

    def records(self, file: File, start: int = 0, line: int = 1) -> Iterator[Line]:
        """Yield the lines of a file that are not blank.

        Raises:
            SourceError: The last line breaks off in the middle.
        """
        for found in lines(file, start, line):
            if not found.data.isspace():
                if not found.data.endswith(b"\n"):
                    _complete(file, found)
                yield found

    def _extra(self) -> dict[str, Any]:
        return {"shape": self._shape.dump()}

    @cached_property
    def _shape(self) -> Shape:
        from vecmill.sources.json_schema import discover

        found = ((file, line) for file in self.files for line in self.records(file))
        return discover(islice(found, self.config.limit), self.config)


def _complete(file: File, last: Line) -> None:
    from vecmill.sources.json_schema import NotJsonError, parse

    try:
        parse(last.data)
    except NotJsonError as error:
        told = f"{file.path} breaks off in line {last.line}, which {error}"
        raise SourceError(
            f"{told}. The file is truncated, or not one of JSON Lines: get it again, or remove its last line."
        ) from error
