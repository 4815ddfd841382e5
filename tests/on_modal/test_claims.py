"""Runs on Modal that want the same edition: one works, the others are told."""

import pytest

from cloud import WORKER

pytestmark = pytest.mark.slow
PLACE = ("publish.0.path=out/both", "source.limit=8")
TWO = ("runtime.max_containers=2",)


@pytest.mark.fault(
    "modal",
    "two runs of one dataset at once, a deployed one and one by hand",
    promise="One proceeds; the second is refused within seconds, and the message says who works on it, since when, "
    "and what to do. It starts no worker.",
)
def test_a_run_by_hand_beside_the_deployed_one_is_refused(cloud, made, same):
    """Another app, another container, the same edition; the first is not disturbed."""
    with cloud.plane.holding(WORKER):
        first = cloud.begin(*PLACE)
        cloud.busy(first)
        cloud.plane.halt(WORKER)
        (driver,) = cloud.plane.at_work("embed")
        before = len(cloud.plane.containers.started)
        errors = cloud.modal("run", "-q", "-m", "apps.wikipedia", "--set", " ".join(PLACE), changes=TWO, code=1)
    assert "vecmill: another run works on runs/both-" in errors
    assert f"(embed in container {driver.id}, since 20" in errors
    assert "wait until it has ended, and run again" in errors
    assert [name for _, name in cloud.plane.containers.started[before:] if name != WORKER] == ["embed"]

    cloud.plane.resume(WORKER)
    table = cloud.made(cloud.end(first)).table
    assert same(table, made.table.slice(0, table.num_rows))
    assert len(set(table["id"].to_pylist())) == 8
