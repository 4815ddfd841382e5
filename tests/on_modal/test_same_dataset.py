"""A dataset made on Modal is the one that a laptop makes, whatever happens on the way; the driver carries no data."""

import signal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cloud import WORKER

pytestmark = pytest.mark.slow
RECIPE = ("chunker.name=characters", "batching.name=fixed")
"""Of the articles: 400 characters (the default of this chunker), batches of 512 or of 32."""
CANNED = {"vectors": "random"}


@pytest.fixture(scope="module")
def recipe(cloud, made):
    """The dataset of the articles' recipe in one shard, with canned vectors from here on."""
    cloud.retire()
    cloud.route(**CANNED)
    yield cloud.embed(*RECIPE, "batching.size=512", "shards.target_mb=4", "publish.0.path=out/recipe")
    cloud.retire()
    cloud.route()


@pytest.mark.fault(
    "modal",
    "a container starts with the Volume's previous commit",
    promise="It reloads the Volume before it reads; the dataset is the one that a local machine makes.",
)
def test_it_equals_a_laptops(cloud, made, same, vecmill, tmp_path):
    """Same rows, same order, same vectors, by two containers that each began with an older state of the Volume.

    The same call again starts no worker. SQL over the files on the Volume finds as many rows.
    """
    local = tmp_path / "local"
    changes = ("runtime.name=local", f"source.path={cloud.corpus}", f"publish.0.path={local}")
    vecmill("run", cloud.job, "-q", *(part for change in changes for part in ("--set", change)))
    assert same(made.table, pq.read_table(local / "data"))
    vecmill("verify", made.path)
    assert made.started.count(WORKER) == 2
    assert cloud.plane.volumes.named("vecmill").late >= 3

    shards = cloud.plane.traffic(WORKER).inputs
    again = cloud.embed()
    assert (again.path, again.digests) == (made.path, made.digests)
    assert cloud.plane.traffic(WORKER).inputs == shards
    query = ("run", "-q", "-m", "apps.wikipedia::query", "--sql", "select 'rows: ' || count(*) as found from dataset")
    assert f"rows: {made.table.num_rows} " in cloud.modal(*query)


@pytest.mark.fault(
    "modal",
    "a worker's machine fails, or Modal preempts it, in the middle of a shard",
    promise="At most one attempt is lost. The shard is made again, and every file is the same, byte for byte.",
)
def test_a_machine_that_fails_and_one_that_is_taken_away_cost_one_attempt_each(cloud, made, vecmill):
    """Killed, and preempted by an interrupt: the shards are done again, and every file is the same, byte for byte.

    A killed container takes its router with it, which has a session of its own.
    """
    deaths = cloud.deaths
    with cloud.plane.holding(WORKER):
        call = cloud.begin("publish.0.path=out/taken")
        killed = cloud.busy(call)
        inside = killed.processes
        assert any("text-embeddings-router" in command(pid) for pid in inside)
        killed.signal(signal.SIGKILL)
        preempted = cloud.busy(call, beside=killed)
        cloud.plane.preempt(preempted)
    taken = cloud.made(cloud.end(call))
    assert cloud.deaths in {deaths + 1, deaths + 2}  # one that is taken away may end its shard before it goes
    assert taken.digests == made.digests
    vecmill("verify", taken.path)
    assert not [pid for pid in inside if Path(f"/proc/{pid}").exists()]


def test_the_driver_carries_no_data(cloud, made, recipe):
    """All that it says and hears is below 10 kB for a shard, small or large; nothing goes by blob."""
    small, large = (max(path.stat().st_size for path in (each.path / "data").iterdir()) for each in (made, recipe))
    assert large > 4 * small
    assert made.bytes / len(made.digests) < 10_000
    assert recipe.bytes / len(recipe.digests) < 10_000
    drivers = {container for container, name in cloud.plane.containers.started if name == "embed"}
    assert not [rpc for caller, rpc in cloud.plane.wire.calls if caller in drivers and rpc.startswith("Blob")]


def test_the_articles_recipe_is_a_matter_of_settings(cloud, recipe, vecmill):
    """Chunks of 400 characters in the order of the text, in batches of 512."""
    table = recipe.table
    sizes = [end - start for start, end in zip(table["start"].to_pylist(), table["end"].to_pylist(), strict=True)]
    assert max(sizes) <= 400
    assert sorted(sizes)[len(sizes) // 2] > 380
    vecmill("verify", recipe.path)


@pytest.mark.fault(
    "modal",
    "a worker's router is too busy, breaks connections, dies, and returns null for NaN",
    promise="Each chunk is present once; only a document with a null vector is quarantined, with the reason.",
)
@pytest.mark.fault(
    "modal",
    "the Volume does not accept what a worker has written",
    promise="One attempt is lost; the shard is made again.",
)
def test_faults_of_the_router_cost_attempts_or_documents_but_nothing_in_silence(cloud, recipe, same, vecmill):
    """It is too busy, breaks connections, dies, and returns null for a vector that is not a number.

    In batches of 32. All is there that is there without faults, once, but the one document whose vector is not
    a number, and that is in quarantine with the reason. The first commit of a worker is refused, too.
    """
    whole = recipe.table
    mark = whole["text"][0].as_py()[:30]
    (victim,) = {row["id"] for row in whole.to_pylist() if mark in row["text"]}
    assert whole.num_rows > 2 * 4 * 32  # so that at least one of two routers meets its seventh request, and dies
    cloud.retire()
    cloud.route(**CANNED, script=["busy", None, "reset"], die_every=7, nan=mark)
    cloud.plane.volumes.refusing = WORKER
    made = cloud.embed(*RECIPE, "batching.size=32", "max_quarantine=0.1", "publish.0.path=out/faults")
    (quarantined,) = pq.read_table(made.path / "quarantine.parquet").to_pylist()
    assert quarantined["id"] == victim
    assert "is tried again: StoreError: what this container wrote could not be committed to the Volume" in cloud.log
    vecmill("verify", made.path)
    assert same(made.table, whole.filter([name != victim for name in whole["id"].to_pylist()]))


def command(pid):
    """Return a process's command line."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode()
    except OSError:
        return ""
