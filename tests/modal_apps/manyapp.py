"""Thousands of shards that are done as soon as they are begun: what is left is the way there and back."""

import os

import modal

from vecmill.records import Account, ComponentSpec, FileEntry, Partition, Receipt, ShardTask, WorkSpec
from vecmill_modal_runtime.budget import Budget
from vecmill_modal_runtime.dispatch import Dispatch, Outcome
from vecmill_modal_runtime.options import ModalOptions

MANY = int(os.environ.get("VECMILL_MODAL_SHARDS", "3000"))
"""More than Modal takes at once: 1,000 of one ``map``, 2,000 that wait. 10,000 is the long version."""
OPTIONS = ModalOptions(max_containers=100, window=20)

app = modal.App("many")


@app.cls(image=modal.Image.debian_slim())
class Echo:
    """Has done a shard as soon as it sees it."""

    @modal.method()
    def do(self, task: str) -> str:
        """Return a receipt."""
        return receipt(task)


def receipt(task: str) -> str:
    """Return the outcome of a shard that has a file of one row."""
    parsed = ShardTask.model_validate_json(task)
    file = FileEntry(path=f"data/{parsed.index}.parquet", rows=1, bytes=1, sha256="0" * 64)
    done = Receipt(run_id=parsed.spec.run_id, index=parsed.index, shard=file, account=Account())
    return Outcome(index=parsed.index, receipt=done).model_dump_json()


@app.local_entrypoint()
def main() -> None:
    """Hand out all tasks, and say which came back."""
    part = ComponentSpec(name="any")
    spec = WorkSpec(run_id="many", directory="/d", source=part, chunker=part, batching=part, embedder=part)
    tasks = [ShardTask(spec=spec, index=i, count=MANY, partition=Partition(where={})) for i in range(MANY)]
    dispatch = Dispatch(tasks, OPTIONS, Budget(OPTIONS), lambda _: None)
    outcomes = dispatch.outcomes(lambda feed: Echo().do.map(feed, order_outputs=False, return_exceptions=True))
    done = sorted(outcome.index for outcome in outcomes if isinstance(outcome, Receipt))
    print("all once" if done == list(range(MANY)) else f"{len(done)} of {MANY}")  # noqa: T201
