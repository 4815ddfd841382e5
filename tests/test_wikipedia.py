"""The Wikipedia app, deployed and run with the real ``modal`` command and real containers."""

import os
import signal
import subprocess
import time

import numpy as np
import pyarrow.parquet as pq
import pytest

from doubles.hub import HubDouble
from stage import Stage

MOUNTS = subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MOUNTS, reason="a container's Volumes need mount namespaces (root on Linux)"),
]
RUN = ("run", "-q", "-m", "apps.wikipedia")
TWO = ("runtime.max_containers=2",)


@pytest.fixture
def stage(plane, tmp_path, monkeypatch):
    """The app's surroundings, with the corpus uploaded."""
    monkeypatch.setenv("PATH", os.environ["PATH"])  # a stage puts its router there
    stage = Stage(plane, tmp_path, documents=30, target_mb=0.2)
    stage.upload()
    return stage


def table(folder):
    """Return a dataset as one table."""
    return pq.read_table(folder / "data")


def test_the_settings_arrive(stage):
    """What the job says of GPUs, limits and times is asked of Modal; the schedule and the router's image too."""
    changes = ('runtime.gpu=["L4","L40S"]', "runtime.max_containers=50", "runtime.timeout_s=1800")
    stage.modal("deploy", "-m", "apps.wikipedia", changes=(*changes, "runtime.concurrency=2", "runtime.cpu=6"))
    functions = stage.plane.deployed("vecmill-wikipedia")
    worker = functions["ShardWorker.*"]
    assert (worker.gpus, worker.max_containers, worker.timeout) == (["L4", "L40S"], 50, 1800)
    assert (worker.concurrency, worker.cpu, worker.retries) == (2, 6.0, 2)
    assert worker.volumes == {"/mnt/vecmill": "vecmill"}
    assert worker.layers[0].endswith("text-embeddings-inference:89-1.9.3")
    assert any("ENTRYPOINT []" in layer for layer in worker.layers)
    assert any("httpx2==" in layer for layer in worker.layers)
    assert functions["refresh"].cron == "0 4 3 * *"
    assert functions["embed"].gpus == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("runtime.gpu=A10H", "there is no GPU 'A10H'; did you mean 'A10"),
        ("runtime.timeout_s=90000", "runtime.timeout_s"),
        ("runtime.max_containers=0", "runtime.max_containers"),
    ],
)
def test_a_wrong_setting_stops_before_anything_starts(stage, change, message):
    """One message, and nothing is deployed."""
    output = stage.modal("deploy", "-m", "apps.wikipedia", changes=(change,), code=1)
    assert message in " ".join(output.split())
    assert "Traceback" not in output
    assert not stage.plane.apps.apps


def test_the_dataset_equals_a_laptops(stage, vecmill, tmp_path):
    """Same rows in the same order, vectors to a cosine of 0.9999; a second run starts no worker.

    And the driver carries no data: task and receipt of a shard are below 10 kB together.
    """
    assert "verified: yes" in stage.modal(*RUN, changes=TWO)
    traffic, shards = stage.plane.traffic("ShardWorker.*"), len(list((stage.dataset / "data").iterdir()))
    assert shards > 2
    assert (traffic.input_bytes + traffic.output_bytes) / shards < 10_000
    assert stage.plane.containers.most["ShardWorker.*"] == 2
    started = len(stage.plane.containers.started)
    place = f"publish.0.path={tmp_path / 'local'}"
    vecmill(
        "run", stage.job, "--set", "runtime.name=local", "--set", f"source.path={stage.corpus}", "--set", place, "-q"
    )
    there, here = table(stage.dataset), table(tmp_path / "local")
    columns = [name for name in here.column_names if name != "embedding"]
    assert there.select(columns).equals(here.select(columns))
    left, right = (np.stack(found["embedding"].to_numpy()) for found in (there, here))
    assert (left * right).sum(axis=1).min() >= 0.9999
    vecmill("verify", stage.dataset)

    stage.modal("run", "-q", "-m", "apps.wikipedia::refresh", changes=TWO)
    again = [name for _, name in stage.plane.containers.started[started:]]
    assert again == ["refresh"]


def test_a_killed_container_costs_one_attempt(stage, vecmill):
    """A machine that fails in the middle of a shard: the run is complete, and every shard is there once."""
    command = stage.start(*RUN, changes=TWO)
    plane, killed = stage.plane, None
    while killed is None and command.poll() is None:
        busy = [c for c in plane.containers.of("ShardWorker.*") if plane.ledger.running(c.id)]
        if busy:
            killed = busy[0]
            killed.signal(signal.SIGKILL)
        time.sleep(0.05)
    output, _ = command.communicate(timeout=300)
    assert killed is not None
    assert "verified: yes" in output
    vecmill("verify", stage.dataset)


def test_an_unknown_component_is_refused_before_a_worker_is_started(stage):
    """One message, and no GPU was paid for."""
    output = stage.modal(*RUN, "--set", "chunker.name=nonesuch", changes=TWO, code=1)
    assert "there is no chunker 'nonesuch'" in output
    assert "ShardWorker.*" not in stage.plane.containers.most


@pytest.mark.parametrize("plane_router", [{"die_every": 6}, {"script": ["busy", "reset", None, "busy"]}])
def test_a_router_that_dies_or_refuses_is_borne(plane, tmp_path, monkeypatch, plane_router):
    """It is started again on the same address, and what it refused is sent again."""
    monkeypatch.setenv("PATH", os.environ["PATH"])
    stage = Stage(plane, tmp_path, documents=12, target_mb=0.2, **plane_router)
    stage.upload()
    assert "verified: yes" in stage.modal(*RUN, changes=TWO)


def test_a_router_on_the_processor_is_refused(plane, tmp_path, monkeypatch):
    """A GPU is paid for, so a router that fell back to the processor fails the run, with its log."""
    monkeypatch.setenv("PATH", os.environ["PATH"])
    stage = Stage(plane, tmp_path, documents=3, cuda=False)
    stage.upload()
    output = stage.modal(*RUN, changes=(*TWO, "runtime.attempts=1"), code=1)
    assert "fell back to the processor" in output


PLUGIN = """
from vecmill import Chunker, Options, Span, hookimpl

class Lines(Chunker[Options]):
    name = "whole-lines"

    def spans(self, document):
        places, start = [], 0
        for line in document.text.splitlines(keepends=True):
            if line.strip():
                places.append(Span(start, start + len(line)))
            start += len(line)
        return places

@hookimpl
def vecmill_register_chunkers(register):
    register(Lines)
"""


def test_a_plugin_of_the_users_own_works_in_containers(stage, tmp_path, monkeypatch):
    """Installed on the laptop, it is shipped and found. Without a GPU there is no router: OpenVINO embeds."""
    site = tmp_path / "site"
    metadata = site / "mine-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "mine.py").write_text(PLUGIN)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[vecmill]\nmine = mine\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    changes = (*TWO, "runtime.gpu=''", "chunker.name=whole-lines", "source.limit=4")
    assert "verified: yes" in stage.modal(*RUN, changes=changes)
    assert "\n" not in table(stage.dataset)["text"][0].as_py().rstrip("\n")


def test_a_dataset_of_the_hub_is_downloaded_once(stage, tmp_path, vecmill):
    """Several containers fetch its files to the Volume; a second run finds them there."""
    files = tmp_path / "repo"
    files.mkdir()
    rows = pq.read_table(stage.corpus)
    for number in range(3):
        pq.write_table(rows.slice(number * 10, 10), files / f"train-{number:05d}-of-00003.parquet")
    with HubDouble(tmp_path / "hub") as hub:
        hub.add("dataset", "user/topics", files)
        stage.plane.containers.given["HF_ENDPOINT"] = hub.url
        stage.plane.containers.given["HF_HUB_DISABLE_XET"] = "1"
        source = stage.job.read_text().replace('name = "parquet"', 'name = "hub"', 1)
        stage.job.write_text(source.replace('path = "/mnt/vecmill/sources/articles.parquet"', 'repo = "user/topics"'))
        assert "verified: yes" in stage.modal(*RUN, changes=TWO)
        assert stage.plane.containers.most["download"] > 1
        before = len(stage.plane.containers.started)
        stage.modal(*RUN, changes=TWO)
    assert [name for _, name in stage.plane.containers.started[before:]] == ["embed"]
    assert table(stage.dataset).num_rows > 30
    vecmill("verify", stage.dataset)
