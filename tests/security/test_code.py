"""Nothing runs code but what the user installed: not a model, not a job file, not the folder one is in."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest

from doubles.encoders import write_encoder
from doubles.hub import HubDouble
from repository import DEMO, ROOT
from vecmill import Job
from vecmill.errors import ConfigError, ModelError
from vecmill.job.plan import plan
from vecmill_modal_runtime.images import TEI_VERSION, tei_tag
from vecmill_openvino.embedder import OpenVinoEmbedder

COMMAND = Path(sys.executable).with_name("vecmill")


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return (os.mkdir, (self.mark,))


@pytest.fixture
def model(tmp_path):
    """A model of a known kind, with code of its own beside it."""
    folder = tmp_path / "model"
    folder.mkdir()
    write_encoder(folder, "bert")
    (folder / "modeling_evil.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'exploded')!r})\n")
    return folder


def opened(folder):
    """Load a model as a worker does."""
    embedder = OpenVinoEmbedder(OpenVinoEmbedder.Config(model=str(folder), precision="f32"))
    embedder.open()
    embedder.close()


@pytest.mark.fault(
    "security",
    "a model has only pickled weights",
    promise="They are not loaded; the message says what to look for.",
)
@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.pkl", "model.safetensors"])
def test_pickled_weights_are_never_loaded(model, tmp_path, name):
    """A folder that has no others is refused, and says why; a pickle under another name is damaged safetensors."""
    (model / "model.safetensors").unlink()
    (model / name).write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    with pytest.raises(ModelError, match=r"pickled ones \(\.bin, \.pt\) are never loaded|is damaged"):
        opened(model)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.fault(
    "security",
    "a model contains code",
    promise="It is not run; the model is refused.",
)
@pytest.mark.parametrize("file", ["config.json", "modules.json"])
def test_code_of_a_models_own_is_never_run(model, tmp_path, file):
    """``auto_map`` and modules of another make are refused; the file they name is not imported."""
    if file == "config.json":
        config = json.loads((model / file).read_text())
        config["auto_map"] = {"AutoModel": "modeling_evil.Evil"}
        (model / file).write_text(json.dumps(config))
    else:
        (model / file).write_text(json.dumps([{"idx": 0, "name": "0", "path": "", "type": "modeling_evil.Evil"}]))
    with pytest.raises(ModelError, match="code of its own"):
        opened(model)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.fault(
    "security",
    "a job file names a module, a file or an expression",
    promise="Nothing is imported or run: there is no such component.",
)
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("source.name", "os"),
        ("source.name", "vecmill.sources.jsonl:JsonlSource"),
        ("chunker.name", "__import__('os').mkdir('exploded')"),
        ("embedder.name", "../evil.py"),
        ("runtime.name", "evil"),
        ("source.plugin", "evil"),
        ("embedder.trust_remote_code", "true"),
        ("plugins", "['evil']"),
    ],
)
def test_a_job_file_names_what_is_installed_and_nothing_else(tmp_path, monkeypatch, key, value):
    """No module, no file, no expression: a name that no plugin registered is refused."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text("import os\nos.mkdir('exploded')\n")
    with pytest.raises(ConfigError, match=r"there is no|unknown key"):
        plan(Job.load(DEMO, [f"{key}={value}", f"publish.0.path={tmp_path / 'out'}"]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evil.py"]


@pytest.mark.fault(
    "security",
    "a numpy.py, or a plugin that is not installed, is in the current folder",
    promise="The command, its workers and the doctor import neither.",
)
def test_the_folder_one_is_in_is_no_place_for_code(tmp_path):
    """Modules beside a corpus that are called as a library is, or as a plugin, are imported by nobody."""
    for name in ("numpy", "pyarrow", "openvino", "sitecustomize", "evil"):
        (tmp_path / f"{name}.py").write_text("import os\nos.mkdir('exploded')\n")
    info = tmp_path / "evil-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vecmill]\nevil = evil\n")
    for args in (
        ["run", DEMO, "--set", "source.limit=1", "--set", "publish.0.path=out"],
        ["doctor"],
        ["plugins"],
    ):
        done = subprocess.run([COMMAND, *args], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "evil" not in done.stdout
    assert not (tmp_path / "exploded").exists()


@pytest.mark.fault(
    "security",
    "a dataset on the Hub contains a loading script",
    promise="It is not run; vecmill reads only data.",
)
def test_a_dataset_on_the_hub_runs_no_script(tmp_path):
    """Neither as its only file, nor beside data that is not Parquet."""
    scripted = tmp_path / "scripted"
    scripted.mkdir()
    (scripted / "scripted.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'exploded')!r})\n")
    with HubDouble(tmp_path / "hub") as hub:
        hub.add("dataset", "user/scripted", scripted)
        (scripted / "rows.jsonl").write_text('{"text": "one"}\n')
        hub.add("dataset", "user/mixed", scripted)
        env = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1"}
        results = {}
        for name in ("scripted", "mixed"):
            sets = ["--set", f"source={{name='hub', repo='user/{name}'}}", "--set", f"publish.0.path={tmp_path / name}"]
            done = subprocess.run(
                [COMMAND, "estimate", DEMO, *sets], env=env, capture_output=True, text=True, check=False
            )
            results[name] = done.returncode, done.stderr
    assert results["scripted"][0] == 2, results
    assert "Traceback" not in results["scripted"][1]
    assert not (tmp_path / "exploded").exists()


def test_what_is_fetched_is_pinned():
    """The router's image by its version, and the models of the jobs that are shipped by a commit or a digest."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", TEI_VERSION)
    assert tei_tag(("A10G",)).endswith(f"-{TEI_VERSION}")
    jobs = [*ROOT.glob("apps/**/*.toml"), *ROOT.glob("examples/*/job.toml")]
    assert jobs
    for path in jobs:
        revision = Job.load(path).embedder.options["revision"]
        assert re.fullmatch(r"[0-9a-f]{40}|sha256:[0-9a-f]{64}", revision), path
