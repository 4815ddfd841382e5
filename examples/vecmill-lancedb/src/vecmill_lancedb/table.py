"""Table: rows of a LanceDB database that know the manifest they came from."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from vecmill import Manifest, embed_query
from vecmill.errors import PublishError
from vecmill.records import Publishing
from vecmill.store import check_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import lancedb
    import numpy as np
    import numpy.typing as npt

    from vecmill.records import RunEvent

MANIFEST = b"vecmill.manifest"
"""Where the table's schema has the manifest of its rows, written in the same commit."""
DISTANCES = {"cosine": "cosine", "dot": "dot", "euclidean": "l2"}
"""LanceDB's names of the ways to compare vectors; it has no index for others."""
PARTS = {"_deletions", "_indices", "_refs", "_transactions", "_versions", "data"}
"""What is in the folder of a table, also of one whose first publication was killed."""
SHOWN = 3


class Table:
    """A table that is there, or will be.

    Args:
        uri: The database.
        name: The table.

    Attributes:
        address: Where the table is.
    """

    def __init__(self, uri: str, name: str) -> None:
        self._folder = None if "://" in uri else Path(uri).expanduser().absolute()
        self._uri = str(self._folder or uri.rstrip("/"))
        self._name = name
        self.address = f"{self._uri}/{name}.lance"

    def check(self, *, force: bool) -> None:
        """Refuse a database that cannot be written, and a table that somebody else wrote.

        Raises:
            PublishError: Says which, and what to do.
        """
        if self._folder is not None and not _writable(self._folder):
            raise PublishError(f"{self._folder} is not a folder that can be written: choose another uri")
        table = self._open()
        if table is None:
            self._refuse_files()
        elif not force:
            self._refuse_rows(table)

    def _refuse_files(self) -> None:
        """Refuse a folder of that name which is no table: LanceDB would make one of it, around what is there."""
        path = Path(self.address)
        if self._folder is None or not os.path.lexists(path):
            return
        strangers = sorted({entry.name for entry in path.iterdir()} - PARTS) if path.is_dir() else [path.name]
        if strangers:
            raise PublishError(
                f"{self.address} holds files that are no table's ({', '.join(strangers[:SHOWN])}): choose another table"
            )

    def _refuse_rows(self, table: lancedb.table.Table) -> None:
        manifest, rows = _manifest(table), table.count_rows()
        if manifest is None or rows > _rows(manifest):
            raise PublishError(
                f"{self.address} holds rows that vecmill did not publish: choose another table, or publish with "
                "force = true to replace them"
            )

    def holds(self, manifest: Manifest) -> bool:
        """Whether these very rows are there, all of them."""
        table = self._open()
        found = None if table is None else _manifest(table)
        return (
            table is not None
            and found is not None
            and found.shards == manifest.shards
            and table.count_rows() == _rows(manifest)
        )

    def replace(self, dataset: Path, manifest: Manifest, report: Callable[[RunEvent], None]) -> None:
        """Make a dataset's rows the table's, in one commit.

        Raises:
            PublishError: They could not be read or written; the table is what it was.
        """
        from vecmill_lancedb.rows import reader

        check_files(dataset, manifest)
        total, done = sum(shard.bytes for shard in manifest.shards), 0

        def report_sent(size: int) -> None:
            nonlocal done
            done += size
            report(Publishing(self.address, done, total))

        mode = "create" if self._open() is None else "overwrite"
        with self._translate_errors():
            rows = reader(dataset, manifest, {MANIFEST: manifest.model_dump_json().encode()}, report_sent)
            self._connect().create_table(self._name, rows, mode=mode)

    def tend(self, index_rows: int, keep_days: int) -> None:
        """Make the index that the table lacks, and remove versions that are too old.

        Raises:
            PublishError: It could not be done; the rows are there.
        """
        from lancedb.index import IvfPq

        with self._translate_errors():
            table = self._connect().open_table(self._name)
            manifest = _manifest(table)
            distance = DISTANCES.get(manifest.model.output.similarity) if manifest else None
            if manifest and distance and table.count_rows() >= index_rows and not list(table.list_indices()):
                table.create_index(manifest.model.output.name, config=IvfPq(distance_type=distance))
            table.optimize(cleanup_older_than=timedelta(days=keep_days))

    def _open(self) -> lancedb.table.Table | None:
        if self._folder is not None and not self._folder.exists():
            return None
        with self._translate_errors():
            try:
                return self._connect().open_table(self._name)
            except ValueError as error:
                if "was not found" not in str(error):
                    raise
                return None

    def _connect(self) -> Any:  # noqa: ANN401 - lancedb's own connections have no common type with this method
        import lancedb

        return lancedb.connect(self._uri)

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Raise what LanceDB raises, which is all kinds of errors, as one that names the table."""
        try:
            yield
        except Exception as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
            raise PublishError(f"{self.address}: {reason}. Correct that, and run the same command again") from error


def query_vector(
    table: lancedb.table.Table,
    query: str,
    *,
    model: str | None = None,
    embedder: str | Mapping[str, Any] | None = None,
) -> npt.NDArray[np.float32]:
    """Embed a query as the model of a table's rows does; shape ``(dimension,)``.

    Args:
        table: One that this plugin has written.
        query: A question in plain words.
        model: The model, as ``vecmill.embed_query`` takes it: a run on another machine is not known here.
        embedder: The embedder, in the same way.

    Raises:
        ValueError: Somebody else wrote the table.
        ModelError: The model is not on this machine, or the table alone names it.
    """
    manifest = _manifest(table)
    if manifest is None:
        raise ValueError(f"table {table.name!r} was not published by vecmill: its model is not known")
    return embed_query(manifest, query, model=model, embedder=embedder)


def _manifest(table: lancedb.table.Table) -> Manifest | None:
    stored = (table.schema.metadata or {}).get(MANIFEST)
    try:
        return None if stored is None else Manifest.model_validate_json(stored)
    except ValidationError:  # whatever wrote it, it was not this version
        return None


def _rows(manifest: Manifest) -> int:
    return sum(shard.rows for shard in manifest.shards)


def _writable(folder: Path) -> bool:
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    return nearest.is_dir() and os.access(nearest, os.W_OK)
