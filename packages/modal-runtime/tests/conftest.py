"""Tasks, and a stand-in for Modal's map that keeps to what is known of it."""

import asyncio

import pytest

from vecmill.records import Account, ComponentSpec, FileEntry, Partition, Receipt, ShardTask, WorkSpec


@pytest.fixture
def tasks():
    """Return a function that makes so many tasks."""
    part = ComponentSpec(name="x")
    spec = WorkSpec(run_id="r", directory="/d", source=part, chunker=part, batching=part, embedder=part)

    def make(count):
        return [ShardTask(spec=spec, index=i, count=count, partition=Partition(where={})) for i in range(count)]

    return make


@pytest.fixture
def receipt():
    """Return a function that makes the receipt of a task."""

    def make(index):
        return Receipt(
            run_id="r", index=index, shard=FileEntry(path="p", rows=1, bytes=1, sha256=""), account=Account()
        )

    return make


class Cloud:
    """Takes inputs as fast as they come, and answers in any order: each round it finishes the newest one.

    Attributes:
        most: The most inputs that waited at once.
    """

    def __init__(self, answer):
        self._answer = answer
        self.most = 0
        self.seen = []

    def __call__(self, feed):
        """Run a map."""
        with asyncio.Runner() as runner:
            waiting, ended = [], False
            while True:
                while not ended:
                    pull = runner.run(self._pull(feed))
                    if pull is None:
                        break
                    ended = pull == ""
                    if not ended:
                        waiting.append(ShardTask.model_validate_json(pull))
                        self.seen.append(waiting[-1].index)
                self.most = max(self.most, len(waiting))
                if not waiting:
                    return
                yield self._answer(waiting.pop())

    async def _pull(self, feed):
        """Return the next input, None if there is none now, or an empty string at the end."""
        self._task = getattr(self, "_task", None) or asyncio.ensure_future(anext(feed, ""))
        done, _ = await asyncio.wait([self._task], timeout=0.004)
        if not done:
            return None
        task, self._task = self._task, None
        return task.result()


@pytest.fixture
def cloud():
    """Return the stand-in's class."""
    return Cloud
