"""Variants: the same rows with smaller vectors, for readers who have less room."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from vecmill.store.layout import Layout
from vecmill.store.parquet import parquet_file
from vecmill.store.variants import shrink_vectors

if TYPE_CHECKING:
    from pathlib import Path

    from vecmill_publishers.hub.preuploads import Upload


def make_variant(upload: Upload, folder: Path) -> Upload:
    """Make the file of a variant in a folder; other files are what they are."""
    if not upload.variant:
        return upload
    target = folder / upload.variant / upload.local.name
    source = pq.ParquetFile(upload.local)
    schema = shrink_vectors(source.schema_arrow.empty_table(), upload.variant).schema
    with parquet_file(Layout(folder), target, schema) as parquet:
        for group in range(source.num_row_groups):
            parquet.write(shrink_vectors(source.read_row_group(group), upload.variant))
    entry = parquet.file_entry()
    return replace(upload, local=target, bytes=entry.bytes, sha256=entry.sha256, variant="")
