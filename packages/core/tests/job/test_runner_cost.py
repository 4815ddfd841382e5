"""Money counts over all commands that worked on a run, and is in the manifest and the card."""

import pytest

import vecmill
from vecmill.job import runner
from vecmill.plugins import load
from vecmill.records import Cost, ShardDone, Spent
from vecmill.testing import InlineRuntime


class PaidRuntime(InlineRuntime):
    """Does the shards, at a dollar each."""

    name = "paid"
    cost = Cost(estimate=0, gpu="A10G", container_seconds=0, price_per_second=0.1)

    def accept_cost(self, spent):
        """Go on from what was spent before."""
        self.cost = spent

    def map(self, tasks, report):
        """Do the shards, and report what they cost."""
        for outcome in super().map(tasks, report):
            dollars, seconds = self.cost.estimate + 1, self.cost.container_seconds + 10
            self.cost = self.cost.model_copy(update={"estimate": dollars, "container_seconds": seconds})
            report(Spent(self.cost, 1))
            yield outcome


class PaidPlugin:
    """Brings ``paid``."""

    @staticmethod
    @vecmill.hookimpl
    def vecmill_register_runtimes(register):
        """Register it."""
        register(PaidRuntime)


def test_what_an_interrupted_command_spent_is_not_forgotten(job, corpus, monkeypatch, tmp_path):
    """Two dollars before the interruption, the rest after it; a damaged shard made again costs one more."""
    if "paid" not in load().loaded:
        load().add(PaidPlugin, "paid", "paid 1.0")
    monkeypatch.setattr(runner, "SECONDS", 0)
    texts = [{"id": f"d{n}", "text": f"Document {n} has some words. " * 9} for n in range(40)]
    work = job(corpus(*texts), runtime={"name": "paid"}, shards={"target_mb": 0.002})

    def interrupt(event):
        if isinstance(event, ShardDone) and event.receipt.index == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vecmill.run(work, interrupt)
    done = vecmill.run(work)
    shards = len(done.manifest.shards)
    assert shards > 2
    assert done.manifest.cost.estimate == shards
    assert done.manifest.cost.container_seconds == 10 * shards
    card = " ".join((done.path / "README.md").read_text().split())
    assert f"It cost about {shards:.2f} USD" in card
    assert "container hours (A10G) at 0.100000 a second" in card

    (done.path / done.manifest.shards[0].path).write_bytes(b"damaged")
    assert vecmill.run(work).manifest.cost.estimate == shards + 1


def test_what_costs_nothing_has_no_cost(job, corpus):
    """On a machine of one's own the manifest says null and the card says nothing."""
    done = vecmill.run(job(corpus({"id": "a", "text": "One document."})))
    assert done.manifest.cost is None
    assert '"cost": null' in (done.path / "manifest.json").read_text()
    assert "It cost" not in (done.path / "README.md").read_text()
