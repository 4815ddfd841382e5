"""Workers in processes of their own send their shards: the driver's process sends none."""

import json
import subprocess
import sys
from typing import Any

import pytest

from doubles.hub import User
from small_dataset import small_job

DRIVER = """
import json, os, sys
import vecmill
from vecmill.records import RunStarted, ShardDone

events = []

def observe(event):
    events.append(event)
    if isinstance(event, RunStarted):
        os.environ["HF_TOKEN"] = sys.argv[2]  # of the workers, which are started after this

dataset = vecmill.run(vecmill.Job(**json.loads(sys.argv[1])), observe)
print(dataset.published[-1])
print(*(why for event in events if isinstance(event, ShardDone) for why in event.receipt.unsent), file=sys.stderr)
"""
WORKERS = "hf_ASecretOfTheWorkers"
SENDING = ("/objects/batch", "/xet-write-token/")
"""Asked for by whoever is about to send bytes, one way or the other."""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["lfs", "xet"])
def test_the_drivers_process_sends_no_shard(hub, environment, tmp_path, way):
    """By their tokens: the workers send, with variants; the driver creates, commits, switches and tags, no more."""
    hub.users[WORKERS] = User("user")
    hub.xet.apart = True
    out = tmp_path / "out"
    publishers: list[dict[str, Any]] = [
        {"name": "parquet", "path": str(out)},
        {"name": "hub", "repo": "user/name", "from_workers": True, "vectors": ["int8"]},
    ]
    job = small_job(tmp_path / "corpus", 24, "w", publishers).model_dump(mode="json")
    tables = {**job, "runtime": {"name": "local", "workers": 2}, "publish": publishers}
    for kind in ("source", "chunker", "batching", "embedder"):
        tables[kind] = {"name": job[kind]["name"], **job[kind]["options"]}
    env = {**environment(way=way), "VECMILL_PLUGINS": "testing=vecmill.testing.plugin"}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps(tables), WORKERS],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == (f"{hub.url}/datasets/user/name\n", "\n")
    shards = json.loads((out / "manifest.json").read_text())["shards"]
    assert len(shards) > 2
    files = hub.find("dataset", "user/name").files("main")
    whole = {blob.sha256 for path, blob in files.items() if path.count("/") == 2}
    assert whole == {shard["sha256"] for shard in shards}
    assert sum("/int8/" in path for path in files) == len(shards)
    senders = {request.token for request in hub.requests if any(word in request.path for word in SENDING)}
    assert senders == {WORKERS}
    asked: dict[str | None, set[str]] = {request.token: set() for request in hub.requests}
    for request in hub.requests:
        asked[request.token].add(request.path.split("/")[-2])
    assert "commit" not in asked[WORKERS]
    tokens = (WORKERS, env["HF_TOKEN"])
    left = [path.read_bytes() for path in [*out.rglob("*"), *tmp_path.glob("hub/blobs/*")] if path.is_file()]
    assert not any(token.encode() in data for token in tokens for data in left)
