"""What the driver pays for a shard, and how many containers one driver feeds at that price.

    hatch run bench:scaling

A whole run of thousands of shards, with the work itself left out: a runtime hands over receipts as they come from a
worker, in JSON. The processor time that is left is the driver's: planning, tasks, receipts, events, the account, the
manifest. Then a simulation, in which containers wait for a driver that takes that long for each shard, beside a
driver that carries every vector, as the article's did.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import vecmill
from bench import results, table
from bench.simulation import efficiency
from vecmill.hookspecs import hookimpl
from vecmill.plugins import load
from vecmill.protocols import Options, Runtime
from vecmill.records import Account, FileEntry, Output, Receipt, ShardTask
from vecmill.store.files import write_json
from vecmill.store.layout import Layout
from vecmill.store.parquet import dataset_schema
from vecmill.store.state import find_duplicates, write_ids
from vecmill.testing import install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vecmill.records import RunEvent

CHUNKS = 100_000
"""In a shard of 150 MB."""
OUTPUT = Output(dimension=8, normalized=True, similarity="cosine")
DOCUMENTS = 6_400_000
"""In English Wikipedia; here they are spread over all shards."""
CONTAINER = 9_500
"""Chunks per second of an A10G that does nothing else."""
CARRIED_S = 15e-6
"""What the article's driver pays for each chunk: a list of numbers, unpickled. See docs/tei.md."""


class Receipts(Runtime[Options]):
    """Stands in for workers: for each task there is a file and a receipt, and their cost is not the driver's."""

    name = "receipts"
    spent = 0.0
    sent = received = largest = 0

    def map(self, tasks: Sequence[ShardTask], report: Callable[[RunEvent], None]) -> Iterator[Receipt]:
        """Send each task as JSON, and read its receipt from JSON."""
        del report
        cls = type(self)
        for task in tasks:
            line = task.model_dump_json()
            began = time.process_time()
            answer = worked(ShardTask.model_validate_json(line))
            cls.spent += time.process_time() - began
            cls.sent += len(line)
            cls.received += len(answer)
            cls.largest = max(cls.largest, len(line) + len(answer))
            yield Receipt.model_validate_json(answer)


class Plugin:
    """Makes the runtime known."""

    @hookimpl
    def vecmill_register_runtimes(self, register: Callable[[type[Any]], None]) -> None:
        """Register ``receipts``."""
        register(Receipts)


def worked(task: ShardTask) -> str:
    """Leave what a worker leaves, but for the rows."""
    layout = Layout(Path(task.spec.directory))
    target = layout.shard(task.index, task.count)
    target.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(dataset_schema([OUTPUT]).empty_table(), target)
    documents = DOCUMENTS // task.count
    account = Account(
        documents_in=documents, documents_embedded=documents, chunks=CHUNKS, characters=400 * CHUNKS, tokens=99 * CHUNKS
    )
    sha256 = hashlib.sha256(str(task.index).encode()).hexdigest()
    shard = FileEntry(path=layout.relative(target), rows=CHUNKS, bytes=147_000_000, sha256=sha256)
    receipt = Receipt(
        run_id=task.spec.run_id, index=task.index, shard=shard, account=account, seconds=CHUNKS / CONTAINER
    )
    write_ids(layout, task.index, [f"{task.index}-{number}" for number in range(documents)])
    write_json(layout, layout.receipt(task.index), receipt)
    return receipt.model_dump_json()


def driver(folder: Path, shards: int) -> dict[str, Any]:
    """Run a job of about so many shards; return the driver's cost for each."""
    text = "The driver does not read this. " * 40
    rows = [{"id": str(number), "text": text} for number in range(shards)]
    pq.write_table(pa.Table.from_pylist(rows), folder / "corpus.parquet", row_group_size=1)
    job = vecmill.Job(
        source={"name": "parquet", "path": str(folder / "corpus.parquet")},
        chunker={"name": "characters"},
        embedder={"name": "hash", "max_tokens": 512},
        runtime={"name": "receipts"},
        publish=[{"name": "parquet", "path": str(folder / "out")}],
        shards={"target_mb": 0.001},
    )
    Receipts.spent, Receipts.sent, Receipts.received, Receipts.largest = 0.0, 0, 0, 0
    began = time.process_time()
    made = len(vecmill.run(job).manifest.shards)
    seconds = time.process_time() - began - Receipts.spent
    return {
        "shards": made,
        "cpu_ms_per_shard": round(1000 * seconds / made, 3),
        "task_bytes": round(Receipts.sent / made),
        "receipt_bytes": round(Receipts.received / made),
        "largest_bytes": Receipts.largest,
        "peak_mb": round(_peak_mb()),
    }


def ids(folder: Path, shards: int = 1000) -> dict[str, Any]:
    """Return what it costs the driver to look for an id that two shards share, among 100,000 documents in each."""
    layout, draw = Layout(folder), np.random.default_rng(0)
    layout.ids(0).parent.mkdir(parents=True, exist_ok=True)
    for index in range(shards):
        hashes = draw.integers(0, 2**63, CHUNKS, dtype=np.uint64)
        np.save(layout.ids(index), np.sort(hashes) * np.uint64(2) + np.uint64(index % 2))
    before, began = _peak_mb(), time.process_time()
    find_duplicates(layout, range(shards), shards)
    return {
        "documents": shards * CHUNKS,
        "seconds": round(time.process_time() - began, 1),
        "mb": round(_peak_mb() - before),
    }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def scaling(driver_s: float) -> list[dict[str, float]]:
    """Return the efficiencies of both drivers, by the number of containers."""
    shard_s = CHUNKS / CONTAINER
    return [
        {
            "containers": containers,
            "vecmill": round(efficiency(containers, shard_s, driver_s), 4),
            "carried": round(efficiency(containers, shard_s, CHUNKS * CARRIED_S), 4),
        }
        for containers in (1, 10, 100, 1000)
    ]


def main() -> None:
    """Measure, simulate, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, default=10_000)
    options = parser.parse_args()
    install()
    load().add(Plugin(), "scaling", "benchmarks")
    with tempfile.TemporaryDirectory() as folder:
        shared = ids(Path(folder) / "ids")
        cost = driver(Path(folder), options.shards)
    rows = scaling(cost["cpu_ms_per_shard"] / 1000)
    targets = [
        results.target("driver: ms of processor time for a shard", cost["cpu_ms_per_shard"], 1, most=True),
        results.target("driver: kB for a shard, at most", cost["largest_bytes"] / 1000, 10, most=True),
        results.target("efficiency at 1,000 containers", rows[-1]["vecmill"], 0.95),
    ]
    results.save("scaling", {"clock": "cpu"}, driver=cost, ids=shared, scaling=rows, targets=targets, unavailable={})
    print(f"{cost['shards']:,} shards of {CHUNKS:,} chunks: the driver's peak is {cost['peak_mb']} MB")
    print(f"{shared['documents']:,} ids: {shared['seconds']} s and {shared['mb']} MB to find those in two shards\n")
    print(table.scaling({"scaling": rows}), table.targets({"targets": targets}), sep="\n\n")


if __name__ == "__main__":
    main()
