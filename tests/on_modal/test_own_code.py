"""What users bring: an app, a plugin, a model."""

import os
import platform
import re
import subprocess
import sysconfig
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cloud import WORKER
from doubles.modal import Plane
from repository import ROOT
from stage import MODEL
from wheel_house import install

pytestmark = pytest.mark.slow
PLUGIN = """
import os
import mine_fast
import mine_words
from corp.cutting.rules import KEPT
from mine_helper import WORTH
from vecmill import Chunker, Options, Span, hookimpl

if "MODAL_IS_REMOTE" in os.environ and not WORTH:
    raise ImportError("libmine.so.1: cannot open shared object file")

class Lines(Chunker[Options]):
    name = "whole-lines"

    def spans(self, document):
        spans, start = [], 0
        for line in document.text.splitlines(keepends=True):
            if line.strip() and KEPT and mine_fast.answer() == 42 and mine_words.WORDS:
                spans.append(Span(start, start + len(line)))
            start += len(line)
        return spans

@hookimpl
def vecmill_register_chunkers(register):
    register(Lines)
"""


COMPILED = r"""
#define Py_LIMITED_API 0x03090000
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *none) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, ""}, {NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "mine_fast", "", -1, methods};
PyMODINIT_FUNC PyInit_mine_fast(void) { return PyModule_Create(&module); }
"""
"""For any Python from 3.9 on: this one, and that of the images."""


@pytest.fixture(scope="module")
def fast(tmp_path_factory):
    """A compiled module."""
    folder = tmp_path_factory.mktemp("fast")
    (folder / "fast.c").write_text(COMPILED)
    built = folder / "mine_fast.abi3.so"
    include = f"-I{sysconfig.get_path('include')}"
    subprocess.run(["cc", "-shared", "-fPIC", include, folder / "fast.c", "-o", built], check=True)
    return built.read_bytes()


@pytest.fixture
def site(tmp_path, fast):
    """A folder of installed packages, with a plugin: two modules, a namespace, a compiled one, and one it requires."""
    folder = tmp_path / "site"
    files = {
        "mine_lines.py": PLUGIN,
        "mine_helper.py": "WORTH = True",
        "corp/cutting/rules.py": "KEPT = True",
        "mine_fast.abi3.so": fast,
    }
    tag = f"cp39-abi3-linux_{platform.machine()}"
    install(folder, "mine", files, entry_point="mine_lines", tag=tag, requires=("mine-words>=1", "numpy"))
    install(
        folder, "mine_words", {"mine_words.py": "WORDS = True"}, origin={"url": "file:///somewhere", "dir_info": {}}
    )
    return folder


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
    """The app in the docs works as it stands there; the plugin, installed on the laptop, is in the image and found.

    A second run of it is refused while the first one works, though the app says nothing of that. Without a GPU there
    is no router: OpenVINO embeds.
    """
    with Plane() as plane:
        given = {"PYTHONPATH": os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))}
        command = ("run", "-q", own_app.name)
        outputs: list[Any] = []
        first = threading.Thread(target=lambda: outputs.append(run_modal(plane, *command, cwd=own_app.parent, **given)))
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
        assert "made /mnt/vecmill/articles" in outputs[0].stdout
        assert plane.containers.most == {"embed": 2, WORKER: 1}
        path = plane.volumes.folder("vecmill") / "articles"
        vecmill("verify", path)
        texts = pq.read_table(path / "data")["text"].to_pylist()
    assert len(texts) > 20
    assert not [text for text in texts if "\n" in text.rstrip("\n")]


def test_a_plugin_that_cannot_be_imported_in_a_container_says_why(own_app, run_modal, site):
    """It can here; the one message that comes back has the container's error, and no worker is started."""
    (site / "mine_helper.py").write_text("WORTH = False")
    with Plane() as plane:
        given = {"PYTHONPATH": os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))}
        done = run_modal(plane, "run", "-q", own_app.name, cwd=own_app.parent, code=2, **given)
        started = [name for _, name in plane.containers.started]
    assert done.stderr == (
        "vecmill: there is no chunker 'whole-lines': plugin 'mine' (mine 1.0), which has it, could not be imported: "
        "ImportError: libmine.so.1: cannot open shared object file; install the plugin again, or update it\n"
    )
    assert started == ["embed"]


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
