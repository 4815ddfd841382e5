"""A run and its model's folder: every file that is read decides which run it is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

import vecmill
from doubles.encoders import WORDS
from vecmill import Job
from vecmill.errors import ConfigError, ModelError, RunError, StoreError
from vecmill.job.estimate import estimate
from vecmill.models import open_model
from vecmill.records import Pace, Range, ShardDone
from vecmill.records.manifest import hash_identity
from vecmill.testing import InlineRuntime, install
from vecmill_openvino.embedder import OpenVinoEmbedder
from vecmill_openvino.graph.architecture import NATIVE

POOLING = {"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True}
DENSE = {"in_features": 16, "out_features": 16, "activation_function": "torch.nn.modules.linear.Identity"}
MODULES = [
    {"path": "", "type": "sentence_transformers.models.Transformer"},
    {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"path": "2_Dense", "type": "sentence_transformers.models.Dense"},
    {"path": "3_Normalize", "type": "sentence_transformers.models.Normalize"},
]
SETTINGS = {
    "modules.json": MODULES,
    "1_Pooling/config.json": POOLING,
    "2_Dense/config.json": DENSE,
    "sentence_bert_config.json": {"max_seq_length": 30},
    "config_sentence_transformers.json": {"prompts": {"document": "w1 "}},
    "tokenizer_config.json": {"model_max_length": 32},
    "special_tokens_map.json": {"unk_token": "<unk>"},
    "README.md": {"of": "the model"},
}
EVERY = {
    *("config.json", "tokenizer.json", "tokenizer_config.json", "modules.json", "1_Pooling/config.json"),
    *("2_Dense/config.json", "sentence_bert_config.json", "config_sentence_transformers.json"),
}
OPENED = """
import sys
from pathlib import Path
root, opened = Path(sys.argv[1]), set()
def note(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        path = Path(arguments[0] if isinstance(arguments[0], str) else arguments[0].decode())
        if path.is_relative_to(root) and path.is_file():
            opened.add(path.relative_to(root).as_posix())
sys.addaudithook(note)
from vecmill_openvino.embedder import OpenVinoEmbedder
embedder = OpenVinoEmbedder(OpenVinoEmbedder.Config(model=str(root), precision="f32"))
embedder.open()
embedder.embed(["w1 w2"])
print(*sorted(opened), sep="\\n")
"""


@pytest.fixture
def model(tiny_model, tmp_path):
    """Make a model with every kind of settings, in a folder of its own."""
    from safetensors.numpy import save_file

    folder = tmp_path / "model"
    shutil.copytree(tiny_model("bert", SETTINGS), folder)
    save_file({"linear.weight": np.eye(16, dtype=np.float32)}, folder / "2_Dense" / "model.safetensors")
    return folder


@pytest.fixture
def job(model, tmp_path):
    """Make a job of several shards with that model, in this process."""
    install()
    path = tmp_path / "corpus.jsonl"
    texts = (" ".join(WORDS[(n + k) % 50] for k in range(40)) for n in range(60))
    path.write_text("".join(json.dumps({"id": str(n), "text": text}) + "\n" for n, text in enumerate(texts)))

    def make(out="out", **keys):
        tables = {
            "source": {"name": "jsonl", "path": str(path)},
            "chunker": {"name": "characters", "size": 60},
            "embedder": {"name": "openvino", "model": str(model), "precision": "f32"},
            "runtime": {"name": "inline"},
            "publish": [{"name": "parquet", "path": str(tmp_path / out)}],
            "shards": {"target_mb": 0.005},
        }
        return Job(**(tables | keys))

    return make


def change(path):
    """Change a file so that it still reads."""
    path.write_bytes(path.read_bytes() + b"\n")


def stop(event):
    """Stop a run after its first shard."""
    if isinstance(event, ShardDone):
        raise KeyboardInterrupt


def embed(folder):
    """Embed a few texts."""
    embedder = OpenVinoEmbedder(OpenVinoEmbedder.Config(model=str(folder), precision="f32"))
    embedder.open()
    return embedder.model(), embedder.embed(["w1 w2 w3", "w4", "w5 w6 " * 30])


def test_all_that_is_read_is_hashed_and_no_more(model):
    """Python opens no file of a model that is not among those which decide the run, or its weights."""
    found = open_model(str(model), native=NATIVE)
    assert found.files.keys() == EVERY
    weights = {path.relative_to(model).as_posix() for path in found.weights}
    done = subprocess.run([sys.executable, "-c", OPENED, str(model)], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= EVERY | weights
    assert {"config.json", "model.safetensors"} <= set(done.stdout.split())


def test_what_is_not_hashed_is_not_needed(model, tmp_path):
    """A folder of the hashed files and the weights alone is the same model: libraries read no others either."""
    found = open_model(str(model), native=NATIVE)
    bare = tmp_path / "bare"
    for name in (*found.files, *(path.relative_to(model).as_posix() for path in found.weights)):
        (bare / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(model / name, bare / name)
    (info, vectors), (info_of_bare, vectors_of_bare) = embed(model), embed(bare)
    assert info.model_copy(update={"id": ""}) == info_of_bare.model_copy(update={"id": ""})
    np.testing.assert_array_equal(vectors, vectors_of_bare)


@pytest.mark.fault(
    "source",
    "a file of the model's folder changes: tokenizer, settings",
    promise="It is another run: an unfinished one does not continue, a finished one does not count, `--since` reuses "
    "no vector; the message names the file.",
)
@pytest.mark.parametrize("name", sorted(EVERY))
def test_a_changed_file_of_the_model_is_another_run(job, model, tmp_path, name):
    """Neither a begun nor a finished run goes on as if it were the same, nor are vectors of one used again."""
    with pytest.raises(KeyboardInterrupt):
        vecmill.run(job("begun"), stop)
    vecmill.run(job())
    change(model / name)
    for out, what in (("begun", "unfinished"), ("out", "finished")):
        with pytest.raises(StoreError, match=rf"{what} run .* it differs in files\.{name}"):
            vecmill.run(job(out))
    with pytest.raises(ConfigError, match=rf"made with other options \(files\.{name}"):
        vecmill.run(job("new"), since=tmp_path / "out")


@pytest.mark.parametrize("name", sorted(EVERY))
def test_a_model_with_a_changed_file_answers_no_question(job, model, name):
    """The weights are as they were, and yet a query would get another vector than the passages did."""
    dataset = vecmill.run(job())
    change(model / name)
    with pytest.raises(ModelError, match=f"is not the one that made the dataset: the sha256 of its {name} is "):
        vecmill.search(dataset.path, "w1 w2")


def test_what_no_one_reads_decides_nothing(job, model):
    """A changed README of the model leaves its run finished."""
    before = vecmill.run(job())
    change(model / "README.md")
    change(model / "special_tokens_map.json")
    assert vecmill.run(job()).manifest.run_id == before.manifest.run_id


def test_a_model_that_changes_while_its_run_works_is_refused_by_the_workers(job, model):
    """A worker that starts later and finds another tokenizer makes no shard."""

    def swap(event):
        if type(event).__name__ == "RunStarted":
            change(model / "tokenizer_config.json")

    with pytest.raises(RunError, match=r"not the one that the run began with, but differs in tokenizer_config\.json"):
        vecmill.run(job(), swap)


def test_a_dataset_of_before_serves_as_since(job, tmp_path):
    """Its manifest names no files: what both name is compared."""
    old = vecmill.run(job("old"))
    manifest = json.loads((old.path / "manifest.json").read_text())
    del manifest["identity"]["files"], manifest["model"]["files"]
    manifest["run_id"] = hash_identity(manifest["identity"])
    (old.path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StoreError, match=r"differs in files \(it was made before .*with --since .*old"):
        vecmill.run(job("old"))
    new = vecmill.run(job("new"), since=old.path)
    assert new.manifest.reused.chunks == new.account.chunks


def test_hashes_of_files_that_contradict_the_identity_are_found(job):
    """A manifest says them twice: for readers, and as what the run is."""
    path = vecmill.run(job()).path
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["model"]["files"]["tokenizer.json"] = "0" * 64
    (path / "manifest.json").write_text(json.dumps(manifest))
    assert "model.files is not what identity.files says" in [fault.problem for fault in vecmill.verify(path).faults]


def test_a_folder_with_safetensors_and_onnx_is_estimated(job, model, monkeypatch):
    """Which of both is run, and so is the revision, makes no difference to how much there is to compute."""
    settings = json.loads((model / "config.json").read_text()) | {"model_type": "modernbert"}
    (model / "config.json").write_text(json.dumps(settings))
    (model / "onnx").mkdir()
    (model / "onnx" / "model.onnx").write_bytes(b"a graph")
    flop = []
    pace = Pace(where="here", tokens_per_second=Range(low=1, high=2), basis="a guess")
    monkeypatch.setattr(InlineRuntime, "pace", lambda _, each: flop.append(each) or pace)
    assert estimate(job()).chunks > 0
    assert flop[0] > 0
