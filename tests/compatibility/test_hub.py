"""A run of the version before whose workers had sent shards to the Hub before it was killed."""

from __future__ import annotations

import json

from compatibility.hub_run import HUB, TOKEN, start
from doubles.hub import HubDouble, User


def test_what_workers_had_sent_is_not_sent_again(before, tmp_path):
    """Their receipts say what and where to: the driver commits it beside what it sends now."""
    folder = before("half-hub")
    sent = {path.name: path.read_bytes() for path in (folder / "data").iterdir()}
    assert len(sent) == 2
    with HubDouble(tmp_path / "hub") as hub:
        hub.users[TOKEN] = User("user")
        for path in (folder / "data").iterdir():
            hub.store.put_file(path)
        for path in (folder / ".vecmill" / "receipts").iterdir():
            path.write_text(path.read_text().replace(HUB, hub.url))
        done = start(hub, folder)
        assert done.returncode == 0, done.stderr
        asked = [
            each["oid"]
            for request in hub.requests
            if request.path.endswith("/objects/batch")
            for each in json.loads(request.body)["objects"]
        ]
        shards = json.loads((folder / "manifest.json").read_text())["shards"]
        assert set(asked) == {shard["sha256"] for shard in shards[2:]}
        published = hub.find("dataset", "user/name").files("main")
        assert {shard["sha256"] for shard in shards} <= {blob.sha256 for blob in published.values()}
