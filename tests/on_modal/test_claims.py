"""Runs on Modal that want the same edition: one works, the others are told."""

import os
import signal

import pytest

from cloud import APP, WORKER

pytestmark = pytest.mark.slow
PLACE = "publish.0.path=out/both"
TWO = ("runtime.max_containers=2",)


@pytest.mark.fault(
    "modal",
    "two runs of one dataset at once, a deployed one and one by hand",
    promise="One proceeds; the second is refused in seconds, with who works on it, since when, and what to do. It "
    "starts no worker.",
)
def test_a_run_by_hand_beside_the_deployed_one_is_refused(cloud, made):
    """Another app, another container, the same edition.

    The first is not disturbed, and when its driver's machine fails, the container in its place goes on at once.
    """
    cloud.retire()
    first = cloud.begin(PLACE)
    worker = cloud.busy(first)
    stop(worker, signal.SIGSTOP)
    before = len(cloud.plane.containers.started)
    (driver,) = cloud.plane.containers.of("embed")
    said = cloud.modal("run", "-q", "-m", "apps.wikipedia", "--set", PLACE, changes=TWO, code=1)
    assert "vecmill: another run works on both-" in said
    assert f"(embed in container {driver.id}, since 20" in said
    assert "wait until it has ended, and run again" in said
    assert [name for _, name in cloud.plane.containers.started[before:] if name != WORKER] == ["embed"]

    driver.signal(signal.SIGKILL)
    stop(worker, signal.SIGCONT)
    done = cloud.made(cloud.end(first))
    assert done.digests == made.digests
    assert not [line for _, line in cloud.plane.apps.deployed(APP).log if "another run holds" in line]


def stop(container, number):
    """Let a container stand still, or go on."""
    for pid in container.processes:
        os.kill(pid, number)
