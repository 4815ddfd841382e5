"""What users bring: an app, a plugin, a model."""

import os
import re
import threading
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cloud import WORKER
from doubles.modal import Plane
from places import ROOT
from stage import MODEL

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


@pytest.fixture
def own_app(tmp_path):
    """The app in docs/modal.md, without a GPU, with a model of this machine and the plugin's chunker."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "modal.md").read_text(), flags=re.DOTALL)
    for there, here in {
        'gpu="L4"': 'gpu=""',
        '"limit": 20': '"limit": 3',
        '"paragraphs"': '"whole-lines"',
        '"tei"': '"openvino"',
        "BAAI/bge-small-en-v1.5": MODEL,
    }.items():
        assert there in code
        code = code.replace(there, here)
    path = tmp_path / "own" / "articles.py"
    path.parent.mkdir()
    path.write_text(code)
    return path


def test_an_app_and_a_chunker_of_the_users_own(own_app, run_modal, site, vecmill):
    """The app in the docs works as it stands there; the plugin, installed on the laptop, is shipped and found.

    A second run of it is refused while the first one works, though the app says nothing of that. Without a GPU there
    is no router: OpenVINO embeds.
    """
    with Plane() as plane:
        given = {"PYTHONPATH": os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))}
        command = ("run", "-q", own_app.name)
        first = threading.Thread(target=lambda: said.append(run_modal(plane, *command, cwd=own_app.parent, **given)))
        said = []
        with plane.holding(WORKER):
            first.start()
            while first.is_alive() and not plane.at_work(WORKER):
                time.sleep(0.02)
            plane.halt(WORKER)
            second = run_modal(plane, *command, cwd=own_app.parent, code=1, **given)
        assert second.stderr.startswith("vecmill: another run works on articles (run in container ta-")
        assert "Traceback" not in second.stdout + second.stderr
        plane.resume(WORKER)
        first.join()
        assert "made /mnt/vecmill/articles" in said[0].stdout
        assert plane.containers.most == {"embed": 2, WORKER: 1}
        path = plane.volumes.named("vecmill").path / "articles"
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
