"""The driver's cost of publishing, apart from hashing and sending."""

import os
import subprocess
import sys

import pytest

PUBLISH = """
import sys, time
from pathlib import Path
from vecmill.records import Manifest, Sent
from vecmill_publishers.hub.publisher import HubPublisher

for repo, path in zip(sys.argv[1::2], sys.argv[2::2]):
    manifest = Manifest.model_validate_json(Path(path).read_bytes())
    publisher = HubPublisher(HubPublisher.Config(repo=repo, from_workers=True))
    publisher.check()
    publisher.prepare()
    note = {"to": publisher._remote.url}
    publisher.accept([Sent(publisher="hub", sha256=entry.sha256, note=note) for entry in manifest.shards])
    began = time.process_time()
    publisher.publish(Path("nowhere"), manifest)
    print(time.process_time() - began)
"""
FEW, MANY = 20, 420


@pytest.mark.parametrize("way", ["lfs"], indirect=True)
def test_a_shard_costs_the_driver_under_five_milliseconds(hub, made, tmp_path):
    """Processor time of a process that publishes few shards and many, sent by others; a rerun asks as little."""
    arguments = []
    for name, count in (("warm", FEW), ("few", FEW), ("many", MANY), ("many", MANY)):
        shards = []
        for number in range(count):
            blob = hub.store.put(f"{name} {number}".encode(), large=True)
            path = f"data/train-{number:05d}-of-{count:05d}.parquet"
            changes = {"path": path, "bytes": blob.size, "sha256": blob.sha256}
            shards.append(made.manifest.shards[0].model_copy(update=changes))
        path = tmp_path / f"{name}.json"
        path.write_text(made.manifest.model_copy(update={"shards": shards}).model_dump_json())
        arguments += [f"user/{name}", path]
    done = subprocess.run(
        [sys.executable, "-c", PUBLISH, *arguments], env=os.environ, stdout=subprocess.PIPE, check=True
    )
    _, few, many, again = map(float, done.stdout.split())
    assert (many - few) / (MANY - FEW) < 0.005
    assert again < many
    assert len(hub.find("dataset", "user/many").files("main")) == MANY + 3
    last = [request for request in hub.requests if "user/many" in request.path]
    switch = max(number for number, request in enumerate(last) if "/tag/" in request.path)
    assert len(last) - switch - 1 < 10
