"""Names that came from elsewhere lead nowhere: not out of a dataset, a model, a saved corpus, or the output folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vecmill
from doubles.hub import HubDouble
from small_dataset import small_dataset
from vecmill import Job
from vecmill.errors import ConfigError, ModelError, SourceError, StoreError, VecmillError
from vecmill.job.publish import publish
from vecmill.models import find_folder, open_model
from vecmill.sanitize import is_inside
from vecmill.sources.saved import SavedSource

OUTSIDE = ["../x", "a/../../x", "..", "/etc/passwd", "C:\\x", "\\\\host\\x", "a\\..\\..\\x", "", "a//b", "x\0"]


@pytest.mark.parametrize("path", OUTSIDE)
def test_what_leads_out_is_known(path):
    """On any system, for a dataset made on one may be read on another."""
    assert not is_inside(path)


@given(st.lists(st.text(min_size=1).filter(lambda part: not set(part) & set("/\\:\0") and part != ".."), min_size=1))
def test_any_other_name_is_inside(parts):
    """Any name that a file can have, dots at its beginning included."""
    assert is_inside("/".join(parts))


@pytest.mark.fault(
    "security",
    "a manifest names a file outside of its folder",
    promise="The dataset is neither verified, nor searched, nor published.",
)
def test_a_manifest_that_names_files_outside_is_refused(tmp_path):
    """Its dataset is neither verified, nor searched, nor published: that would send a file of the reader's own."""
    dataset = small_dataset(tmp_path, 5).path
    (tmp_path / "private.parquet").write_bytes(b"a secret")
    manifest = json.loads((dataset / "manifest.json").read_text())
    manifest["shards"][0]["path"] = "../private.parquet"
    (dataset / "manifest.json").write_text(json.dumps(manifest))
    for use in (
        lambda: vecmill.verify(dataset),
        lambda: vecmill.search(dataset, "x"),
        lambda: publish(dataset, "parquet", {"path": str(tmp_path / "copy")}),
    ):
        with pytest.raises(StoreError, match="is not a path within the dataset's folder"):
            use()
    assert not (tmp_path / "copy").exists()


@pytest.mark.fault(
    "security",
    "a model's settings name a file outside of its folder",
    promise="The model is refused.",
)
@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("modules.json", [{"type": "sentence_transformers.models.Transformer", "path": "../secret"}]),
        ("model.safetensors.index.json", {"weight_map": {"a": "../secret/model.safetensors"}}),
    ],
)
def test_a_models_files_are_in_its_folder(tmp_path, file, content):
    """What a model's settings name is looked for nowhere else."""
    model = tmp_path / "model"
    for folder in (model, tmp_path / "secret"):
        folder.mkdir()
        (folder / "config.json").write_text('{"model_type": "bert", "hidden_size": 4, "max_position_embeddings": 9}')
        (folder / "tokenizer_config.json").write_text("{}")
    (tmp_path / "secret" / "model.safetensors").write_bytes(b"x")
    (model / file).write_text(json.dumps(content))
    with pytest.raises(ModelError, match="is not in the model's folder"):
        open_model(str(model), native={"bert"})


@pytest.mark.parametrize("model", ["package:vecmill/../..", "package:os.path/x", "package:../x", "a/../b", "a/b/c"])
def test_a_models_name_is_a_name(model):
    """Of a package's folder or of the Hub."""
    with pytest.raises((ConfigError, ModelError)):
        find_folder(model)


@pytest.mark.parametrize("model", ["a/..", "../..", "..", "datasets/../x"])
def test_a_name_with_dots_finds_nothing(model, tmp_path, monkeypatch):
    """On the Hub neither."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # the variable would outlive the test
    with pytest.raises(VecmillError):
        open_model(model)


@pytest.mark.fault(
    "security",
    "a repository of the Hub lists ../file",
    promise="Nothing is written outside of the cache; the model is refused.",
)
def test_a_listing_of_the_hub_writes_nothing_outside_of_the_cache(tmp_path):
    """A repository that lists ``../evil/config.json`` leaves no such file."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    with HubDouble(tmp_path / "hub") as hub:
        repo = hub.add("model", "user/evil", folder)
        files = repo.files("main")
        for name in ("../evil/config.json", "../../../../evil/config.json"):
            files[name] = files["config.json"]
        code = (
            "from vecmill.errors import ModelError\nfrom vecmill.models import open_model\n"
            "try:\n    open_model('user/evil')\nexcept ModelError as error:\n    print(error)"
        )
        content = _python(code, hub.url, tmp_path / "home" / "cache")
    assert "../evil/config.json'" in content  # whichever of the two is asked for first
    assert list(tmp_path.rglob("evil/config.json")) == []


def _python(code, endpoint, cache):
    env = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(cache), "HF_HUB_DISABLE_XET": "1"}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout


@pytest.mark.fault(
    "security",
    "a saved dataset names a file outside of its folder",
    promise="The source is refused.",
)
@pytest.mark.parametrize("listing", ["state.json", "dataset_dict.json"])
def test_a_saved_datasets_files_are_in_its_folder(tmp_path, listing):
    """What its listing names is looked for nowhere else."""
    content = {"_data_files": [{"filename": "../x.arrow"}], "splits": ["../x"]}
    (tmp_path / listing).write_text(json.dumps(content))
    with pytest.raises(SourceError, match="which is not in its folder"):
        SavedSource(SavedSource.Config(path=str(tmp_path))).fingerprint()


@pytest.mark.parametrize("content", ["[]", "{}", '{"_data_files": 3}', '{"_data_files": [{}]}', "[" * 100_000])
def test_a_saved_datasets_listing_may_be_anything(tmp_path, content):
    """It is refused by name."""
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(SourceError, match=r"state\.json"):
        SavedSource(SavedSource.Config(path=str(tmp_path))).fingerprint()


@pytest.mark.parametrize("name", ["../../x", "/x", "a/b", "..", ".", "", " ", "a\\b", "x\0"])
def test_a_jobs_name_is_a_name(name):
    """It becomes a folder's in ``out``."""
    with pytest.raises(ConfigError, match="name: it must name a folder, without / and"):
        Job(source={"name": "pydoc"}, embedder={"name": "hash"}, name=name)


@pytest.mark.fault(
    "security",
    "the id of a document looks like a path",
    promise="It is a string in a column.",
)
def test_ids_of_documents_make_no_paths(tmp_path):
    """An id like a path is a string in a column, and the folder holds what it always holds."""
    from vecmill.testing import install

    install()
    corpus = tmp_path / "corpus.jsonl"
    ids = ["../../evil", "/etc/passwd", "a/b", "..", "C:\\x"]
    corpus.write_text("".join(json.dumps({"id": id_, "text": "Some words."}) + "\n" for id_ in ids))
    job = Job(
        source={"name": "jsonl", "path": str(corpus)},
        embedder={"name": "hash"},
        runtime={"name": "inline"},
        publish=[{"name": "parquet", "path": str(tmp_path / "out")}],
    )
    dataset = vecmill.run(job)
    assert dataset.account.documents_embedded == len(ids)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus.jsonl", "out"]
    assert sorted(path.name for path in dataset.path.iterdir()) == ["README.md", "data", "manifest.json"]
