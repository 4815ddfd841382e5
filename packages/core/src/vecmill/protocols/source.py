"""Source: where documents come from."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from vecmill.protocols.component import Component, ConfigT

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from vecmill.records import Partition, Terms


class Source(Component[ConfigT]):
    r"""A corpus: rows with an ``id`` and a ``text``.

    A worked example, complete but for the import lines::

        class Notes(Source["Notes.Config"]):
            name = "notes"

            class Config(Options):
                path: str

            def fingerprint(self):
                return hashlib.sha256(Path(self.config.path).read_bytes()).hexdigest()

            def partitions(self, target_bytes):
                yield Partition(where={}, bytes=Path(self.config.path).stat().st_size)

            def read(self, partition):
                notes = Path(self.config.path).read_text().split("\f")
                yield pa.record_batch({"id": [str(i) for i in range(len(notes))], "text": notes})
    """

    def count(self) -> int | None:
        """Return how many documents there are, if that is known without reading or splitting them.

        A run that reads another number fails.
        """
        return None

    def renew(self, partition: Partition) -> Partition:
        """Return a partition that an earlier command planned, with ``seen`` as it is now.

        The content is the same, for the fingerprint is; the files may lie elsewhere, or on another machine.
        """
        return partition

    def terms(self) -> Terms:
        """Return the text's licences and languages, as far as the source knows them; for the dataset's card.

        Raises:
            SourceError: The place that says so could not be read.
        """
        from vecmill.records import Terms

        return Terms()

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a hash of the content. Other content, another fingerprint; another path, the same one."""

    @abstractmethod
    def partitions(self, target_bytes: int) -> Iterator[Partition]:
        """Split the corpus, in order, into parts of about ``target_bytes`` of text each.

        The split depends on the content and ``target_bytes`` alone, so a resumed run finds the same parts.
        """

    @abstractmethod
    def read(self, partition: Partition) -> Iterator[pa.RecordBatch]:
        """Stream one partition's rows, in order, in batches of bounded size.

        Columns: ``id`` and ``text`` (strings), never missing; ``url`` and ``title`` (string)
        if there are any; ``problem`` (string) with a sentence for a row that could not be read, null
        for a good one; and the columns to carry along, which are the same in every batch of every
        partition. Nulls are allowed: the worker sets such rows aside, with the reason.

        Raises:
            SourceError: The source is damaged or has changed; names the file and the row.
        """
