"""What is deployed: that which the settings say."""

import json

import pytest

from doubles.modal import Plane
from stage import Stage

APP = "somewhere-else"
SETTINGS = {
    "gpu": ["L4", "L40S"],
    "cpu": 6,
    "memory_gib": 12,
    "max_containers": 50,
    "scaledown_window": 90,
    "concurrency": 2,
    "timeout_s": 1800,
    "startup_timeout_s": 600,
    "region": "eu-west",
}


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """Return the control plane's record of each function."""
    monkeypatch = pytest.MonkeyPatch()
    for name, value in {"APP": APP, "CRON": "30 5 * * 1", "HUB_SECRET": "huggingface", "VOLUME": "large"}.items():
        monkeypatch.setenv(f"VECMILL_{name}", value)
    monkeypatch.setenv("VECMILL_DISABLE_PLUGINS", "unwanted")
    with Plane() as plane:
        plane.workspace.add_secret("huggingface", {"HF_TOKEN": "hf_token"})
        stage = Stage(plane, tmp_path_factory.mktemp("deployed"), documents=1)
        changes = tuple(f"runtime.{name}={json.dumps(value)}" for name, value in SETTINGS.items())
        stage.modal("deploy", "-m", "apps.wikipedia", changes=changes)
        yield plane.deployed(APP)
    monkeypatch.undo()


def test_the_worker_is_what_the_settings_say(deployed):
    """GPUs, image, Volume, Secret, limits, concurrency, times, retries, region."""
    worker = deployed["ShardWorker.*"]
    assert (worker.gpus, worker.cpu, worker.memory) == (["L4", "L40S"], 6.0, 12 * 1024)
    # the class without parameters, which serves no run: what is kept warm of it would be paid for
    assert (worker.max_containers, worker.min_containers, worker.scaledown_window) == (50, 0, 90)
    assert (worker.concurrency, worker.retries) == (2, 2)
    assert (worker.timeout, worker.startup_timeout) == (1800, 600)
    assert worker.regions == ["eu-west"]
    assert (worker.volumes, worker.secrets) == ({"/mnt/vecmill": "large"}, [{"HF_TOKEN"}])
    base, *layers = worker.layers
    assert base.endswith("text-embeddings-inference:89-1.9.3")
    assert any("ENTRYPOINT []" in layer for layer in layers)
    for needed in (
        "httpx2==",
        "pyarrow==",
        "/vecmill_publishers-0.1.0-py3-none-any.whl",
        "VECMILL_VOLUME=large",
        "VECMILL_DISABLE_PLUGINS=unwanted",
        "VECMILL_SHARED=/mnt/vecmill:/mnt/bucket",
    ):
        assert any(needed in layer for layer in layers), needed


def test_the_driver_needs_no_gpu_and_comes_on_schedule(deployed):
    """The rest of the app: no GPU, one driver at a time, as long as a day; the cron line is the refresh's."""
    drivers = {name: found for name, found in deployed.items() if name != "ShardWorker.*"}
    assert set(drivers) == {"download", "embed", "refresh"}
    for found in drivers.values():
        assert found.gpus == []
        assert (found.volumes, found.secrets) == ({"/mnt/vecmill": "large"}, [{"HF_TOKEN"}])
    assert {name for name, found in drivers.items() if found.cron} == {"refresh"}
    assert drivers["refresh"].cron == "30 5 * * 1"
    for name in ("embed", "refresh"):
        assert (drivers[name].timeout, drivers[name].max_containers) == (86_400, 1)
