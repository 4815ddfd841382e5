"""A refresh that goes on from a dataset on the Hub."""

import json

from repository import ROOT

REFRESH = """
import json, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from small_dataset import small_job
from vecmill import run
from vecmill.testing import HashEmbedder

def refuse(self, batch):
    raise AssertionError("nothing is to be embedded")

HashEmbedder.embed = refuse
folder = Path(sys.argv[2])
job = small_job(folder, 40, "a", [{"name": "parquet", "path": str(folder / "new")}])
new = run(job, since="user/name", trust_vectors=True)
print(json.dumps([new.manifest.reused.run_id, new.manifest.reused.chunks]))
"""


def test_a_published_dataset_spares_a_machine_that_never_had_it_the_embedding(hub, publish, read, small, tmp_path):
    """The vectors come from the repo's current run; the rows are those of the run that was published."""
    publish(small.path, "--set", 'vectors=["int8"]')
    reused = json.loads(read(REFRESH, str(ROOT / "tests"), str(tmp_path / "refresh")))
    assert reused == [small.manifest.run_id, small.account.chunks]
    there = tmp_path / "refresh" / "new" / "data"
    assert [(there / entry.path.removeprefix("data/")).read_bytes() for entry in small.manifest.shards] == [
        (small.path / entry.path).read_bytes() for entry in small.manifest.shards
    ]
    asked = [request.path for request in hub.requests if "/resolve/" in request.path]
    assert not [path for path in asked if "int8" in path]
