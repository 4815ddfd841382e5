"""GPUs: a container may get any of several kinds, and what it gets decides which router runs there."""

import pytest

from cloud import WORKER

pytestmark = pytest.mark.slow


def kinds(cloud, since=0):
    """Return the kinds of GPU that the workers got."""
    return {
        cloud.plane.machines.got[container]
        for container, name in cloud.plane.containers.started[since:]
        if name == WORKER
    }


@pytest.mark.fault(
    "modal",
    "with several kinds of GPU, Modal gives another kind than before",
    promise="Each container starts the router built for its GPU; the vectors are the same.",
)
def test_of_two_kinds_each_container_starts_the_router_for_its_own(cloud, made, same):
    """The image holds a router for each; a T4 computes without the flash attention that is not precise there."""
    assert kinds(cloud) == {"T4"}
    assert cloud.plane.deployed("vecmill-wikipedia")[WORKER].layers[0].endswith(":cuda-1.9.3")
    since = len(cloud.plane.containers.started)
    cloud.plane.machines.taken.add("T4")
    cloud.retire()
    other = cloud.embed("publish.0.path=out/other-kind")
    cloud.plane.machines.taken.clear()
    cloud.retire()
    assert kinds(cloud, since) == {"L4"}
    assert same(made.table, other.table)


def test_a_run_may_ask_for_one_other_kind_that_the_image_has_a_router_for(cloud, made):
    """Several are part of the app: Modal takes one."""
    since = len(cloud.plane.containers.started)
    cloud.embed("source.limit=2", "publish.0.path=out/hopper", "runtime.gpu=h200")
    assert kinds(cloud, since) == {"H200"}
    output = cloud.end(cloud.begin('runtime.gpu=["L4", "T4"]'), code=1)
    assert "runtime.gpu = ('L4', 'T4'): this is part of the app as it was started" in output
