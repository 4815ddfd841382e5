"""The worker class: which workers of a container go on with the next shard."""

import inspect
from types import SimpleNamespace

import modal
import pytest

from vecmill_modal_runtime.worker import ShardWorker, SnapshotWorker


@pytest.fixture
def container():
    """A container that is open, without a model."""
    made = ShardWorker()
    made._idle = []
    return made


def test_a_worker_whose_shard_failed_keeps_its_model(container):
    """The next shard goes to it."""
    with pytest.raises(ValueError, match="no"), container._take_worker() as failed:
        raise ValueError("no")
    with container._take_worker() as next_one:
        assert next_one is failed


def test_a_worker_from_a_snapshot_takes_the_same_parameters():
    """Modal's parameters are not inherited: one that stands in a class alone would be refused in a run."""
    assert inspect.get_annotations(SnapshotWorker) == inspect.get_annotations(ShardWorker)


@pytest.mark.fault(
    "modal",
    "Modal cancels a shard by an interrupt in the middle of it",
    promise="Its worker is closed; the next shard has a new one.",
)
def test_a_worker_that_was_cancelled_is_closed(container):
    """Nobody knows how far it was."""
    closed = []
    with container._take_worker() as cancelled:
        cancelled._embedder = SimpleNamespace(close=lambda: closed.append("model"))
    with pytest.raises(modal.exception.InputCancellation), container._take_worker():
        raise modal.exception.InputCancellation
    assert closed == ["model"]
    with container._take_worker() as next_one:
        assert next_one is not cancelled
