"""HubStream: a split of a dataset that is not in Parquet, streamed by the ``datasets`` library.

JSON Lines and CSV are streamed too, although vecmill has formats for both, because ``datasets`` reads them as
their authors declare them: by the types and labels of the card's ``features`` and by its ``sep``, ``field`` and
other settings, typed where it declares none. It lists their sizes where vecmill's formats would first read every
line to plan. And a run's identity is the commit, not the reader: with another reader half-finished runs would go
on with other ids and other types. ``source = {name = "jsonl", path = "hf://datasets/…"}`` reads them as ``jsonl`` does.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from vecmill.errors import ConfigError, SourceError
from vecmill.records import Partition
from vecmill.sources.base import parts
from vecmill.sources.batches import ROWS, Projection, slice_rows, split_batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vecmill.sources.hub import HubSource


class HubStream:
    """A split, shard by shard. How many documents a shard holds is not known before it is read."""

    def __init__(self, config: HubSource.Config) -> None:
        """Take a pinned configuration."""
        self._config = config
        self._label = f"{config.repo} ({config.split})"

    def partitions(self, target_bytes: int) -> Iterator[Partition]:
        """Yield groups of shards; with a limit, one for all of it."""
        if next(self._rows(self._dataset), None) is None:
            raise SourceError(f"the source holds no documents: {self._label} is empty")
        sizes = self._sizes or [0] * self._shards
        weights = self._sizes or [target_bytes] * self._shards
        for start, stop in [(0, self._shards)] if self._config.limit else parts(weights, target_bytes):
            yield Partition(where={"shards": [start, stop]}, bytes=sum(sizes[start:stop]))

    def read(self, start: int, stop: int) -> Iterator[pa.RecordBatch]:
        """Yield the documents of shards ``start`` to ``stop``.

        Without an id column, a document's id is its number in the source; or, where there are several
        shards and each is read by itself, its shard and its number there.
        """
        if self._config.limit or self._shards == 1:
            yield from slice_rows(self._rows(self._dataset), 0, self._config.limit)
            return
        for index in range(start, stop):
            shard = self._dataset.shard(num_shards=self._shards, index=index)
            yield from self._rows(shard, prefix=f"{index}:")

    @property
    def _shards(self) -> int:
        return int(self._dataset.num_shards)

    @cached_property
    def _builder(self) -> Any:  # noqa: ANN401 (datasets may not be installed)
        try:
            from datasets import load_dataset_builder
        except ImportError as error:
            raise ConfigError(
                f"the dataset {self._config.repo!r} holds no Parquet files, and its own format is read by datasets, "
                "which is not installed: pip install 'vecmill[datasets]'"
            ) from error
        with self._translate_errors():
            return load_dataset_builder(self._config.repo, self._config.config, revision=self._config.revision)

    @cached_property
    def _dataset(self) -> Any:  # noqa: ANN401 (datasets may not be installed)
        with self._translate_errors():
            return self._builder.as_streaming_dataset(split=self._config.split)

    @cached_property
    def _sizes(self) -> list[int]:
        """Bytes of each shard's file; none if shards are not files."""
        from huggingface_hub import HfFileSystem

        paths = list((self._builder.config.data_files or {}).get(self._config.split, []))
        if len(paths) != self._shards:
            return []
        files = HfFileSystem()
        return [int(files.info(path)["size"]) for path in paths]

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, RuntimeError, FileNotFoundError) as error:
            raise ConfigError(f"the datasets library cannot read {self._label}: {error}") from error

    def _rows(self, dataset: Any, prefix: str = "") -> Iterator[pa.RecordBatch]:  # noqa: ANN401 (as above)
        row = 0
        try:
            for table in dataset.with_format("arrow").iter(batch_size=ROWS):
                projection = Projection(self._config, table.schema, self._label)
                for batch in table.combine_chunks().to_batches():
                    yield from split_batch(projection.apply(batch, row, prefix))
                    row += batch.num_rows
        except (ValueError, TypeError, RuntimeError, pa.ArrowException) as error:
            raise SourceError(
                f"the datasets library stopped in {self._label} after row {row} of a file: {error}; it takes a "
                "column's type from the first rows, unless the card states it"
            ) from error
