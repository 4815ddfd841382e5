"""Thousands of shards, by the client's own map."""

import pytest

from doubles.modal import Plane
from modal_apps import manyapp
from repository import ROOT

pytestmark = pytest.mark.slow


def test_few_of_thousands_of_shards_are_with_modal_at_once(run_modal):
    """Never more than containers and window together, though ``map`` takes all it is offered; each is done once."""
    with Plane() as plane:
        plane.stand_ins.known["Echo.*"] = (manyapp.OPTIONS.max_containers, manyapp.receipt)
        done = run_modal(plane, "run", "-q", "-m", "manyapp", cwd=ROOT / "tests" / "modal_apps")
        traffic = plane.traffic("Echo.*")
    assert "all once" in done.stdout
    assert traffic.inputs == manyapp.MANY
    assert traffic.most_unfinished > 1  # how many there are depends on how fast the client is given its turn
    assert traffic.most_unfinished <= manyapp.OPTIONS.in_flight == 120
    assert (traffic.input_bytes + traffic.output_bytes) / traffic.inputs < 10_000
