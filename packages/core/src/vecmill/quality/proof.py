"""Proof: a dataset checked by its files, and some of its chunks by the model that made them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vecmill.chunking.packing import TokenBudgetBatching
from vecmill.concurrency import Threads
from vecmill.errors import ConfigError, ModelError
from vecmill.plugins import load
from vecmill.plugins.registry import build
from vecmill.protocols.component import make_prefix
from vecmill.records import ComponentSpec, Document
from vecmill.records.documents import DOCUMENT_COLUMNS
from vecmill.retrieval.query import open_embedder
from vecmill.store.parquet import group_ends
from vecmill.store.state import find_run
from vecmill.store.vectors import compare_vectors, from_column
from vecmill.store.verify import MOST, Problem
from vecmill.store.verify import verify as verify_files
from vecmill.worker.embedding import check_model, name_embedder_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy.typing as npt

    from vecmill.protocols import Chunker, Embedder
    from vecmill.records import Manifest
    from vecmill.store.verify import Verification

COLUMNS = [*DOCUMENT_COLUMNS, "text", "tokens"]
BLOCK = 4096
"""Chunks that are embedded at a time, and held in memory."""
OWN_CHUNKERS = ("paragraphs", "tokens", "characters")
"""Chunkers of which no option leads anywhere, so that a manifest from another machine may set them."""


class _Row(NamedTuple):
    """A chunk: its shard, and its number there."""

    path: str
    row: int


def verify(
    path: str | Path,
    *,
    expect: str | None = None,
    sample: int = 0,
    model: str | None = None,
    embedder: str | Mapping[str, Any] | None = None,
    confirm: Callable[[str], bool] | None = None,
) -> Verification:
    """Check a dataset: every file's size and sha256, every row, the account, and that nothing contradicts the rest.

    Rows: columns and types, ids and positions in order, ``text`` as long as its span, what is the document's the same
    in all of its chunks, vectors finite and, where the model normalises, of unit length. Besides: manifest,
    quarantine and card against each other and the rows, and that there is no file which readers would take for one
    of the dataset.

    Only the model knows that each vector is the one of its text: with ``sample``, so many chunks are embedded again,
    if no fault was found before. Which ones is left to chance.

    Args:
        path: The dataset's folder.
        expect: The sha256 that ``manifest.json`` must have, in hex, as the run printed it.
        sample: How many chunks to embed again; none by default, and all of them if there are fewer.
        model: The dataset's model, as in ``vecmill.search``.
        embedder: Its embedder, in the same way.
        confirm: Asked about what nobody but the manifest names.

    Returns:
        What was found: ``ok``, and otherwise ``faults``, a sentence for each. A damaged dataset raises nothing.

    Raises:
        ConfigError: ``expect`` is no sha256, or ``sample`` is negative.
        StoreError: There is no finished dataset, or its manifest cannot be read.
        ModelError: As ``vecmill.search``.
    """
    if sample < 0:
        raise ConfigError(f"sample = {sample}: name how many chunks to embed again, or 0 for none")
    result = verify_files(path, expect=expect)
    if not sample or not result.ok:
        return result
    opened = open_embedder(result.manifest, model=model, embedder=embedder, confirm=confirm)
    try:
        faults = sorted(_compare(Path(path), result.manifest, opened, sample))
    finally:
        opened.close()
    count = min(sample, result.manifest.account.chunks)
    return dataclasses.replace(result, faults=faults[:MOST], more=max(0, len(faults) - MOST), embedded=count)


def _compare(root: Path, manifest: Manifest, embedder: Embedder[Any], sample: int) -> Iterator[Problem]:
    """Yield the chunks of a sample that have other vectors, or another number of tokens, than the model gives them."""
    with name_embedder_errors(embedder, "model() or tokenizer()"):
        found, tokenizer = check_model(embedder), embedder.tokenizer()
    output = manifest.model.output
    chunker = _chunker(manifest, embedder)
    with Threads(embedder.concurrency) as threads:
        for rows, table in _blocks(root, manifest, sample):
            texts = [_embedded_text(chunker, row) for row in table.drop_columns(["tokens", output.name]).to_pylist()]
            with name_embedder_errors(embedder, "tokenizer()"):
                counts = np.minimum(tokenizer.count(texts) + tokenizer.special_tokens, manifest.model.max_tokens)
            made = _embed(embedder, texts, counts, threads)
            stored = from_column(table.column(output.name), output)
            compared = compare_vectors(stored, made, found.precision, manifest.model.precision)
            for number in np.flatnonzero(compared.differ).tolist():
                path, at = rows[number]
                cosine = compared.cosines[number]
                yield Problem(path, f"row {at}: the model gives another vector for its text (cosine {cosine:.2f})")
            for row, stated, counted in zip(rows, table.column("tokens").to_pylist(), counts.tolist(), strict=True):
                if stated != counted:
                    yield Problem(
                        row.path, f"row {row.row}: tokens is {stated}, and the model counts {counted} in its text"
                    )


def _embed(
    embedder: Embedder[Any], texts: list[str], tokens: npt.NDArray[np.int64], threads: Threads
) -> npt.NDArray[np.float32]:
    batches = list(TokenBudgetBatching(TokenBudgetBatching.Config()).batches(tokens, embedder.batch_tokens))

    def embed(batch: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        with name_embedder_errors(embedder, f"embed() of {len(batch)} texts"):
            return embedder.embed([texts[i] for i in batch])

    vectors = np.concatenate(list(threads.map(embed, batches)))
    return vectors[np.argsort(np.concatenate(batches))]


def _chunker(manifest: Manifest, embedder: Embedder[Any]) -> Chunker[Any]:
    """Make the dataset's chunker, which knows what is put in front of each text."""
    recipe = manifest.recipe["chunker"]
    if recipe["name"] not in OWN_CHUNKERS and find_run(manifest.run_id) is None:
        raise ModelError(
            f"the dataset was cut by the chunker {recipe['name']!r} of a plugin, with options that nobody but its "
            "manifest names, and no run that is known here made it: run its job again, or check it without --embed"
        )
    options = {key: value for key, value in recipe.items() if key not in {"name", "version"}}
    model = embedder.model().model_copy(update={"prompt": manifest.model.prompt})
    spec = ComponentSpec(name=recipe["name"], options=options)
    chunker: Chunker[Any] = build(load().registry, "chunker", spec, embedder.tokenizer(), model)
    return chunker


def _embedded_text(chunker: Chunker[Any], row: dict[str, str]) -> str:
    return make_prefix(chunker, Document(row["id"], row["text"], row["title"], row["url"])) + row["text"]


def _blocks(root: Path, manifest: Manifest, sample: int) -> Iterator[tuple[list[_Row], pa.Table]]:
    """Yield rows from all over the dataset, some thousands at a time."""
    rows: list[_Row] = []
    tables: list[pa.Table] = []
    for some, table in _groups(root, manifest, sample):
        rows += some
        tables.append(table)
        while len(rows) >= BLOCK:
            joined = pa.concat_tables(tables)
            yield rows[:BLOCK], joined.slice(0, BLOCK)
            rows, tables = rows[BLOCK:], [joined.slice(BLOCK)]
    if rows:
        yield rows, pa.concat_tables(tables)


def _groups(root: Path, manifest: Manifest, sample: int) -> Iterator[tuple[list[_Row], pa.Table]]:
    """Yield the chosen rows of each row group that has any."""
    total = sum(entry.rows for entry in manifest.shards)
    random = np.random.default_rng()
    chosen = np.sort(random.choice(total, min(sample, total), replace=False, shuffle=False))
    first = 0
    for entry in manifest.shards:
        here = chosen[np.searchsorted(chosen, first) : np.searchsorted(chosen, first + entry.rows)] - first
        first += entry.rows
        if not here.size:
            continue
        with pq.ParquetFile(root / entry.path, pre_buffer=False) as file:
            ends = group_ends(file.metadata)
            groups = np.searchsorted(ends, here, side="right") - 1
            for group in np.unique(groups).tolist():
                rows = here[groups == group]
                table = file.read_row_group(group, columns=[*COLUMNS, manifest.model.output.name])
                yield [_Row(entry.path, row) for row in rows.tolist()], table.take(pa.array(rows - ends[group]))
