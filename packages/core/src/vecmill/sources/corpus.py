"""Corpus: a source, asked for what it has; an error in it names the source."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from vecmill.concurrency import check_interrupt
from vecmill.errors import PluginError, ReadError, check_result, name_errors
from vecmill.records import Partition, Terms

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from vecmill.protocols import Source

T = TypeVar("T")

ADVICE = (
    "check that what it reads exists, can be reached and is complete, and run the same command again; or report it to "
    "the source's author"
)
SHOWN = 200
"""Characters of what a partition says of itself that an error quotes."""


class Corpus:
    """Asks a source, in the driver and in workers alike, and holds it to the types of its protocol.

    Raises:
        VecmillError: The source's own, as it is.
        ReadError: The source failed with something else; says at what, with the partition where there is one.
        PluginError: The source returned something that its protocol does not allow.
    """

    def __init__(self, source: Source[Any]) -> None:
        self._source = source

    def pinned(self) -> Source[Any]:
        """Return the source with all that could move in its options replaced by what it means now."""
        with self._name_errors("pinned()"):
            return type(self._source)(self._source.pinned())

    def fingerprint(self) -> str:
        """Return the hash of its content."""
        with self._name_errors("fingerprint()"):
            return self._check_type(self._source.fingerprint(), str, "fingerprint()")

    def terms(self) -> Terms:
        """Return the text's licences and languages."""
        with self._name_errors("terms()"):
            return self._check_type(self._source.terms(), Terms, "terms()")

    def partitions(self, target_bytes: int) -> Iterator[Partition]:
        """Yield parts of about ``target_bytes`` of text each."""
        with self._name_errors("partitions()"):
            for partition in self._source.partitions(target_bytes):
                check_interrupt()
                yield self._travels(self._check_type(partition, Partition, "partitions()"))

    def count(self) -> int | None:
        """Return how many documents there are, if the source knows."""
        with self._name_errors("count()"):
            found = self._source.count()
            return None if found is None else self._check_type(found, int, "count()")

    def renew(self, partition: Partition) -> Partition:
        """Return a stored partition as it is to be read by this command."""
        with self._name_errors("renew()"):
            renewed = self._check_type(self._source.renew(partition), Partition, "renew()")
        if renewed.digest != partition.digest:
            raise PluginError(
                f"the source {self._source.name!r} made another partition of {_show_partition(partition)} at renew(): "
                "report it to the source's author"
            )
        return renewed

    def read(self, partition: Partition) -> Iterator[pa.RecordBatch]:
        """Yield one partition's batches."""
        import pyarrow as pa

        call = f"read() of the partition {_show_partition(partition)}"
        with self._name_errors(call):
            for item in self._source.read(partition):
                check_interrupt()
                batch = self._check_type(item, pa.RecordBatch, call)
                self._check(batch)
                yield batch

    def _name_errors(self, call: str) -> AbstractContextManager[None]:
        return name_errors(f"the source {self._source.name!r} failed at {call}", ReadError, ADVICE)

    def _check_type(self, value: object, kind: type[T], call: str) -> T:
        return check_result(value, kind, "source", self._source.name, call)

    def _travels(self, partition: Partition) -> Partition:
        try:
            partition.model_dump_json()
        except ValueError as error:
            raise PluginError(
                f"the source {self._source.name!r} gave a partition that is not JSON ({error}): report it to the "
                "source's author"
            ) from error
        return partition

    def _check(self, batch: pa.RecordBatch) -> None:
        """Refuse columns of ours that hold something else than strings."""
        import pyarrow.types as pt

        from vecmill.sources.batches import MEANINGFUL

        for field in batch.schema:
            kind = field.type
            strings = pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind) or pt.is_null(kind)
            if field.name in MEANINGFUL and not strings:
                raise PluginError(
                    f"the source {self._source.name!r} has {kind}, not strings, in its column {field.name!r}: report "
                    "it to the source's author"
                )


def _show_partition(partition: Partition) -> str:
    text = json.dumps(partition.where, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
