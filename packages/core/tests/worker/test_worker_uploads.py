"""Uploads by workers: whatever happens to them, the shard is done."""

import sys

import pytest

import vecmill
from vecmill import Options, Publisher
from vecmill.errors import PublishError
from vecmill.hookspecs import hookimpl
from vecmill.plugins import load
from vecmill.records import ShardDone

SECRET = "hf_" + "a" * 20
FATES = {
    "sent": lambda: {"where": "here"},
    "refused": lambda: fail(PublishError(f"not with {SECRET}")),
    "broken": lambda: fail(ZeroDivisionError("a plugin's own fault")),
    "chatty": lambda: {"note": "x" * 1000},
    "absent": lambda: None,
}
ACCEPTED = []


def fail(error):
    """Raise, in an expression."""
    raise error


class Courier(Publisher["Courier.Config"]):
    """Does with a shard what its option says."""

    name = "courier"

    class Config(Options):
        """What becomes of errands."""

        fate: str

    def prepare(self):
        """Want shards, unless it is told not to."""
        return None if self.config.fate == "absent" else {"for": "workers"}

    def send(self, dataset, shard, ready):
        """Meet one's fate."""
        assert (dataset / shard.path).is_file()
        assert ready == {"for": "workers"}
        return FATES[self.config.fate]()

    def accept(self, sent):
        """Take note."""
        ACCEPTED[:] = sent

    def publish(self, dataset, manifest):
        """Say how many were sent before."""
        return f"{len(ACCEPTED)} of {len(manifest.shards)}"


@hookimpl
def vecmill_register_publishers(register):
    """Register it."""
    register(Courier)


@pytest.fixture(autouse=True, scope="module")
def _courier():
    load().add(sys.modules[__name__], "courier", "tests")


@pytest.mark.parametrize(
    ("fate", "published", "why"),
    [
        ("sent", "1 of 1", None),
        ("refused", "0 of 1", "not with ***"),
        ("broken", "0 of 1", "ZeroDivisionError: a plugin's own fault"),
        ("chatty", "0 of 1", "are too many"),
        ("absent", "0 of 1", None),
    ],
)
def test_a_shard_is_done_whatever_becomes_of_its_errand(job, corpus, tmp_path, fate, published, why):
    """Sent and accepted, or done all the same, with the reason in its receipt and without the secret in it."""
    told = []
    places = [{"name": "parquet", "path": str(tmp_path / "out")}, {"name": "courier", "fate": fate}]
    dataset = vecmill.run(job(corpus({"id": "1", "text": "Some text."}), publish=places), told.append)
    assert vecmill.verify(dataset.path).ok
    assert dataset.published[-1] == published
    (receipt,) = (event.receipt for event in told if isinstance(event, ShardDone))
    assert (why or "") in " ".join(receipt.unsent)
    assert bool(receipt.unsent) == bool(why)
    assert [(sent.publisher, sent.sha256) for sent in receipt.sent] == (
        [("courier", dataset.manifest.shards[0].sha256)] if fate == "sent" else []
    )
    assert not list(dataset.path.glob(".vecmill*"))
