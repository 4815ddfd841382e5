"""A million vectors: opening a dataset and searching it, against numpy and DuckDB.

    hatch run bench:search

The vectors are random, of unit length, in a dataset as a run leaves it. Each contender has opened what it searches:
vecmill's searcher and numpy hold the vectors in memory, DuckDB holds them in a table. vecmill embeds the query and
reads the passages' texts; the others are given the query's vector and return row numbers.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import vecmill
from bench import results, table
from bench.model import MODEL
from vecmill.retrieval import embed_query
from vecmill.store.files import write_json
from vecmill.store.layout import Layout
from vecmill.store.parquet import dataset_schema, parquet_file

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH, GROUP, LIMIT = 384, 8192, 3
QUERIES = ["how is a resource released?", "what binds a name?", "when is an exception raised?"]


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = dataset(Path(name), options.vectors)
        rows = measure(folder, options.rounds)
    found = {row["name"]: row for row in rows}
    targets = [results.target("searching after opening, seconds", found["vecmill.Searcher"]["seconds"], 1, most=True)]
    results.save("search", {"vectors": options.vectors, "clock": "wall"}, rows=rows, targets=targets, unavailable={})
    print(table.searches({"rows": rows}), table.targets({"targets": targets}), sep="\n\n")


def dataset(folder: Path, count: int) -> Path:
    """Run a job over a few words, and put random vectors in the place of its rows."""
    (folder / "texts.jsonl").write_text('{"id": "a", "text": "a few words"}\n')
    made = vecmill.run(
        vecmill.Job(
            source={"name": "jsonl", "path": str(folder / "texts.jsonl")},
            embedder={"name": "openvino", "model": MODEL},
            publish=[{"name": "parquet", "path": str(folder / "dataset")}],
        )
    )
    layout = Layout(made.path)
    draw = np.random.default_rng(0)
    with parquet_file(layout, layout.shard(0, 1), schema := dataset_schema(made.manifest.model.outputs)) as file:
        for start in range(0, count, GROUP):
            file.write(rows(draw, start, min(GROUP, count - start), schema))
    write_json(layout, layout.manifest, made.manifest.model_copy(update={"shards": [file.file_entry()]}))
    return made.path


def rows(draw: np.random.Generator, start: int, count: int, schema: pa.Schema) -> pa.Table:
    """Return rows with random vectors of unit length."""
    vectors = draw.standard_normal((count, WIDTH), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = [f"document {number}" for number in range(start, start + count)]
    zeros = np.zeros(count, np.int64)
    columns = {
        **dict.fromkeys(("id", "url", "title", "text"), names),
        **dict.fromkeys(("chunk_index", "start", "end", "tokens"), zeros),
        "embedding": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), type=schema.field("embedding").type),
    }
    return pa.table({name: pa.array(columns[name]).cast(schema.field(name).type) for name in schema.names}, schema)


def measure(folder: Path, rounds: int) -> list[dict[str, Any]]:
    """Open everything, then search in turn; check that all find the same."""
    manifest = vecmill.open_dataset(folder).manifest
    queries = [embed_query(manifest, query) for query in QUERIES]
    contenders, opened = {}, {}
    for name, opening in {"vecmill.Searcher": _searcher, "numpy": _numpy, "DuckDB": _duckdb}.items():
        began = time.perf_counter()
        contenders[name] = opening(folder)
        opened[name] = time.perf_counter() - began
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds * len(QUERIES) + 1):
        query = number % len(QUERIES)
        answers = {}
        for name, search in contenders.items():
            began = time.perf_counter()
            answers[name] = search(QUERIES[query], queries[query])
            taken[name].append(time.perf_counter() - began)
        if len({tuple(answer) for answer in answers.values()}) > 1:
            raise RuntimeError(f"they do not agree: {answers}")
    began = time.perf_counter()
    vecmill.search(folder, QUERIES[0], LIMIT)
    once = {"name": "vecmill.search, opening included", "opening": None, "seconds": time.perf_counter() - began}
    usual = [
        {"name": name, "opening": opened[name], "seconds": statistics.median(taken[name][1:])} for name in contenders
    ]
    return [*usual, once]


def _searcher(folder: Path) -> Callable[..., list[int]]:
    searcher = vecmill.Searcher(folder)
    return lambda query, _: [int(passage.id.split()[1]) for passage in searcher.search(query, LIMIT)]


def _numpy(folder: Path) -> Callable[..., list[int]]:
    vectors = pq.read_table(folder / "data", columns=["embedding"]).column(0).combine_chunks()
    matrix = vectors.flatten().to_numpy().reshape(-1, WIDTH)

    def search(_: str, vector: np.ndarray) -> list[int]:
        scores = matrix @ vector
        best = np.argpartition(-scores, LIMIT)[:LIMIT]
        rows: list[int] = best[np.argsort(-scores[best])].tolist()
        return rows

    return search


def _duckdb(folder: Path) -> Callable[..., list[int]]:
    import duckdb

    connection = duckdb.connect()
    source = f"read_parquet('{folder}/data/*.parquet', file_row_number = true)"
    cast = f"embedding::FLOAT[{WIDTH}]"
    connection.execute(f"CREATE TABLE vectors AS SELECT file_row_number AS row, {cast} AS embedding FROM {source}")
    query = f"SELECT row FROM vectors ORDER BY array_inner_product(embedding, ?::FLOAT[{WIDTH}]) DESC LIMIT {LIMIT}"
    return lambda _, vector: [row for (row,) in connection.execute(query, [vector.tolist()]).fetchall()]


if __name__ == "__main__":
    main()
