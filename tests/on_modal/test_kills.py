"""A run on Modal that is killed goes on, and ends with the same bytes."""

import os

import pytest

from cloud import APP
from reliability.modal_killing import ModalKilling

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("VECMILL_MODAL_KILLS", "2"))
"""How often to kill; ``hatch run kills`` is the long version."""


@pytest.mark.fault(
    "modal",
    "the driver's container, a worker's, or all of them are killed, or preempted by Modal",
    promise="The same call continues from the receipts on the Volume, to the same bytes; no shard with a receipt is "
    "repeated.",
)
def test_killed_at_random_moments_a_run_ends_byte_identical(cloud, made, vecmill):
    """Whatever dies, and whenever: each shard is there once, as in a run that was left alone.

    The container that takes a dead driver's place has its edition at once.
    """
    killing = ModalKilling(cloud, made)
    killing.rounds(KILLS)
    assert sum(killing.kills.values()) >= KILLS
    assert not [line for _, line in cloud.plane.apps.deployed(APP).log if "has not reported its end" in line]
