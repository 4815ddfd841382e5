"""What users bring: an app, a plugin, a model."""

import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cloud import WORKER
from doubles.modal import Plane
from places import ROOT

pytestmark = pytest.mark.slow
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


@pytest.fixture
def site(tmp_path):
    """A folder of installed packages, with a plugin."""
    metadata = tmp_path / "mine-1.0.dist-info"
    metadata.mkdir()
    (tmp_path / "mine.py").write_text(PLUGIN)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[vecmill]\nmine = mine\n")
    return tmp_path


def test_an_app_and_a_chunker_of_the_users_own(run_modal, site, vecmill):
    """The app decorates the library's worker class; the plugin, installed on the laptop, is shipped and found.

    Without a GPU there is no router: OpenVINO embeds.
    """
    with Plane() as plane:
        paths = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
        command = ("run", "-q", "-m", "ownapp", "--chunker", "whole-lines")
        done = run_modal(plane, *command, cwd=ROOT / "tests" / "modal_apps", PYTHONPATH=paths)
        assert "made /mnt/vecmill/made" in done.stdout
        assert plane.containers.most == {"embed": 1, WORKER: 1}
        path = plane.volumes.named("own").path / "made"
        vecmill("verify", path)
        texts = pq.read_table(path / "data")["text"].to_pylist()
    assert len(texts) > 20
    assert not [text for text in texts if "\n" in text.rstrip("\n")]


def test_a_second_model_in_the_same_app(cloud, hub, vecmill):
    """Another model of the Hub, by a setting: downloaded once, and read from the Volume by each worker.

    The workers' containers begin with the Volume as it was before the model was there.
    """
    volume = cloud.plane.volumes.named("vecmill")
    cloud.retire()
    volume.hold()
    revision = hub.repos["model", "user/tiny"].resolve("main")
    model = ("embedder.model=user/tiny", f"embedder.revision={revision}")
    made = cloud.embed(*model, "chunker.name=characters", "chunker.size=60", "publish.0.path=out/tiny")
    volume.held = False
    assert {len(vector) for vector in made.table["embedding"].to_pylist()} == {16}
    assert made.started.count(WORKER) == 2
    fetched = [request for request in hub.downloads if request.method == "GET"]
    assert len(fetched) == len({request.path for request in fetched})
    vecmill("verify", made.path)
    weights = Path(f"weights/models--user--tiny/snapshots/{revision}/model.safetensors")
    assert (volume.path / weights).is_file()
