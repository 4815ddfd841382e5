"""open_model and find_folder: folders, packages and the Hub, with the real client against a Hub of ours."""

from __future__ import annotations

import hashlib
import socket
import sys

import pytest
from huggingface_hub import constants

from vecmill.errors import ConfigError, ModelError
from vecmill.models import open_model
from vecmill.models.reference import fetch_model, find_folder, without_token


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package that ends the process if it is ever run."""
    (tmp_path / "with_weights/model").mkdir(parents=True)
    (tmp_path / "with_weights/__init__.py").write_text("raise SystemExit('was run')")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / "with_weights"


@pytest.mark.parametrize("model", ["BAAI/bge-small-en-v1.5", "bert-base-uncased", "a.b/c_d-e.1"])
def test_what_is_no_folder_and_reads_like_a_hub_id_is_one(model):
    """Ids with and without a user name are left to the Hub."""
    assert find_folder(model) is None


def test_a_folder_is_found_relative_absolute_and_under_home(tmp_path, monkeypatch):
    """All the ways to write a path lead to it, also one that could be a Hub id."""
    (tmp_path / "mine/model").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for model in ("mine/model", "./mine/model", str(tmp_path / "mine/model"), "~/mine/model"):
        assert find_folder(model).resolve() == (tmp_path / "mine/model").resolve()


def test_a_folder_in_a_package_is_found_without_running_the_package(package):
    """``package:`` looks the package up and does not import it."""
    assert find_folder("package:with_weights/model") == package / "model"
    assert "with_weights" not in sys.modules


@pytest.mark.parametrize("model", ["./nowhere", "/nowhere/at/all", "~/nowhere", "../nowhere"])
def test_a_path_to_nowhere_is_not_taken_for_a_hub_id(model):
    """A name that can only be a path says that the folder is missing."""
    with pytest.raises(ConfigError, match=r"there is no folder .*nowhere"):
        find_folder(model)


def test_a_file_is_no_folder(tmp_path, monkeypatch):
    """The message for the weights' file says that it is no folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"there is no folder 'model\.safetensors'"):
        find_folder("model.safetensors")


@pytest.mark.parametrize(
    "model", ["", "a/b/c", "not a name", "package:with-dash/model", "package:a.b/model", "package:"]
)
def test_what_cannot_be_a_model_is_a_configuration_error(model):
    """Text that is neither path nor id nor package is refused, with an example."""
    with pytest.raises(ConfigError, match=r"name a model like|not of the form"):
        find_folder(model)


def test_a_missing_package_and_a_missing_folder_in_it_differ(package):
    """The message says whether to install something or to correct the path."""
    with pytest.raises(ConfigError, match=r"'never_heard_of_it' .* is not installed"):
        find_folder("package:never_heard_of_it/model")
    with pytest.raises(ConfigError, match=r"'with_weights' holds no folder 'models'"):
        find_folder("package:with_weights/models")


NUMBERS = f"sha256:{hashlib.sha256(b'the numbers').hexdigest()}"
DENSE = {"in_features": 8, "out_features": 4}
WITH_DENSE = [
    {"path": "", "type": "sentence_transformers.models.Transformer"},
    {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"path": "2_Dense", "type": "sentence_transformers.models.Dense"},
]
REMOTE_CODE = {"model_type": "bert", "hidden_size": 8, "max_position_embeddings": 9, "auto_map": {"AutoModel": "m.B"}}
OTHER = {"model_type": "modernbert", "hidden_size": 8, "max_position_embeddings": 512}


def test_the_revision_of_a_folder_is_its_weights_digest(tmp_path, write_model):
    """Wherever the folder is."""
    for name in ("here", "there"):
        assert open_model(str(write_model(tmp_path / name))).revision == NUMBERS


def test_a_pin_holds_or_is_refused_with_both_digests(tmp_path, write_model):
    """The job's digest is compared with the file's before anything is done."""
    model = str(write_model(tmp_path))
    assert open_model(model, NUMBERS).revision == NUMBERS
    with pytest.raises(ModelError, match=f"expected sha256:00, found {NUMBERS}"):
        open_model(model, "sha256:00")


def test_a_folder_has_no_branches(tmp_path, write_model):
    """A revision of the Hub makes no sense for a folder, and the message says what would."""
    with pytest.raises(ConfigError, match=f"'main' cannot be of the folder .*{NUMBERS}"):
        open_model(str(write_model(tmp_path)), "main")


def test_a_digest_is_no_revision_of_the_hub():
    """Refused without asking the Hub."""
    with pytest.raises(ConfigError, match="name a branch, tag or commit"):
        open_model("user/name", "sha256:00")


def test_the_weights_of_dense_layers_are_part_of_the_model(tmp_path, write_model):
    """They come after the transformer's, and count in the digest."""
    files = {"modules.json": WITH_DENSE, "2_Dense/config.json": DENSE, "2_Dense/model.safetensors": b"more"}
    found = open_model(str(write_model(tmp_path, files=files)))
    assert found.weights == (tmp_path / "model.safetensors", tmp_path / "2_Dense/model.safetensors")
    assert found.revision != NUMBERS
    assert found.dimension == 4


def test_an_architecture_the_caller_cannot_run_is_taken_from_onnx(tmp_path, write_model):
    """Even if there are safetensors too."""
    folder = write_model(tmp_path, files={"config.json": OTHER, "onnx/model.onnx": b"graph"})
    assert open_model(str(folder), native={"bert"}).weights == (tmp_path / "onnx/model.onnx",)
    assert open_model(str(folder), native={"modernbert"}).weights == (tmp_path / "model.safetensors",)
    assert open_model(str(folder)).weights == (tmp_path / "model.safetensors",)


def test_a_native_architecture_without_safetensors_is_taken_from_onnx(tmp_path, write_model):
    """What can be run is run."""
    folder = write_model(tmp_path, files={"model.safetensors": None, "onnx/model.onnx": b"graph"})
    assert open_model(str(folder), native={"bert"}).weights == (tmp_path / "onnx/model.onnx",)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"config.json": None, "tokenizer.json": None}, "holds no model"),
        ({"model.safetensors": None, "pytorch_model.bin": b"pickle"}, "pickled ones .* are never loaded"),
        ({"config.json": OTHER}, "'modernbert' model and has no onnx/model.onnx. .*these can be run: bert"),
        ({"config.json": REMOTE_CODE}, "brings code of its own and has no onnx/model.onnx"),
        ({"modules.json": WITH_DENSE, "2_Dense/config.json": DENSE}, "lacks .*2_Dense/model.safetensors"),
    ],
)
def test_a_folder_without_usable_weights_is_refused(files, message, tmp_path, write_model):
    """The message says what is missing and what would do."""
    with pytest.raises(ModelError, match=message):
        open_model(str(write_model(tmp_path, files=files)), native={"bert"})


NATIVE = {"native": ["bert"]}
EXTRA = {
    "README.md": b"# Model",
    "pytorch_model.bin": b"pickle",
    "onnx/model.onnx": b"graph",
    "onnx/model_quantized.onnx": b"graph",
    "openvino/openvino_model.xml": b"graph",
    "rust_model.ot": b"numbers",
    "tokenizer_config.json": {"model_max_length": 512},
    "config_sentence_transformers.json": {"prompts": {"query": "q: "}},
}


NEEDED = [
    "1_Pooling/config.json",
    "config.json",
    "config_sentence_transformers.json",
    "model.safetensors",
    "modules.json",
    "sentence_bert_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
]


@pytest.fixture
def repo(hub, tmp_path, write_model):
    """A model as the Hub's are: with the same weights in many forms."""
    return hub.add("model", "user/model", write_model(tmp_path / "files", files=EXTRA))


def test_only_what_is_needed_is_downloaded_at_the_commit_a_branch_means(hub, repo, open_from):
    """Settings, tokenizer and safetensors; the revision is the commit, for the branch, the tag and the sha."""
    repo.tag("v1")
    sha = repo.resolve("main")
    revisions = [{}, {"revision": "v1"}, {"revision": sha}, {"revision": "main"}]
    found = open_from(hub.url, *(("user/model", options | NATIVE) for options in revisions))
    assert [each["revision"] for each in found] == [sha] * 4
    assert found[0]["files"] == NEEDED
    assert found[0]["weights"] == ["model.safetensors"]
    assert found[0]["prompts"] == ["", "q: "]
    assert len(hub.downloads) == 1


def test_a_caller_that_does_not_load_weights_downloads_none(hub, repo, open_from):
    """An engine on a server has other weights."""
    (found,) = open_from(hub.url, (repo.id, {}))
    assert found["weights"] == []
    assert hub.downloads == []


def test_another_architecture_is_downloaded_as_onnx(hub, repo, open_from):
    """And its safetensors are not."""
    (found,) = open_from(hub.url, (repo.id, {"native": ["roberta"]}))
    assert found["weights"] == ["model.onnx"]
    assert len(hub.downloads) == 1


def test_what_was_downloaded_works_offline(hub, repo, open_from):
    """By its commit, and by its branch at the commit it had; the Hub being down or switched off."""
    call = ("user/model", NATIVE)
    (before,) = open_from(hub.url, call)
    pinned = ("user/model", NATIVE | {"revision": before["revision"]})
    assert open_from(hub.url, pinned, call, HF_HUB_OFFLINE="1") == [before, before]
    hub.close()
    assert open_from(hub.url, pinned, call) == [before, before]


def test_a_pinned_commit_that_is_cached_asks_the_hub_nothing(hub, repo, open_from):
    """So that many workers can start at once."""
    open_from(hub.url, ("user/model", NATIVE))
    asked = len(hub.requests)
    open_from(hub.url, ("user/model", NATIVE | {"revision": repo.resolve("main")}))
    assert len(hub.requests) == asked


def test_a_branch_that_moved_is_followed_and_a_pin_is_not(hub, repo, open_from, tmp_path, write_model):
    """The branch means its newest commit, the sha what it always meant."""
    old = repo.resolve("main")
    open_from(hub.url, ("user/model", NATIVE))
    new = repo.commit(write_model(tmp_path / "newer", files={"model.safetensors": b"other numbers"}))
    found = open_from(hub.url, ("user/model", NATIVE), ("user/model", NATIVE | {"revision": old}))
    assert [each["revision"] for each in found] == [new, old]


def test_what_the_hub_refuses_is_one_message(hub, repo, open_from, tmp_path, write_model):
    """Wrong name, wrong revision, gated, no weights: each says what to do."""
    hub.add("model", "user/gated", write_model(tmp_path / "gated")).gated = True
    pickled = {"model.safetensors": None, "pytorch_model.bin": b"pickle"}
    hub.add("model", "user/pickled", write_model(tmp_path / "pickled", files=pickled))
    calls = [("user/wrong", {}), (repo.id, {"revision": "v9"}), ("user/gated", {}), ("user/pickled", NATIVE)]
    found = open_from(hub.url, *calls)
    assert {each["error"] for each in found} == {"ModelError"}
    wrong, revision, gated, no_weights = (each["message"] for each in found)
    assert "no model 'user/wrong'" in wrong
    assert "log in" in wrong
    assert "has no revision 'v9'" in revision
    assert "is gated" in gated
    assert "never loaded" in no_weights


def test_a_hub_out_of_reach_is_one_message(hub, open_from):
    """Nothing listening, an outage, or switched off: one message with both ways out."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"
    hub.outage = 503
    call = ("user/model", NATIVE)
    for found in (open_from(nowhere, call), open_from(hub.url, call), open_from(nowhere, call, HF_HUB_OFFLINE="1")):
        assert found[0]["error"] == "ModelError"
        assert "cannot be reached" in found[0]["message"]
        assert "folder that holds the model" in found[0]["message"]


def test_a_cache_changed_by_hand_shows_in_the_hashes(hub, repo, open_from, tmp_path):
    """The commit is the same, and what is read is not: each file that is read has its hash, weights among them."""
    (before,) = open_from(hub.url, ("user/model", NATIVE))
    assert sorted(before["hashes"]) == NEEDED
    changed = tmp_path / "hf" / "hub" / "models--user--model" / "snapshots" / before["revision"]
    for name in ("tokenizer_config.json", "model.safetensors"):
        content = (changed / name).read_bytes()
        (changed / name).unlink()
        (changed / name).write_bytes(content + b"\n")
    (after,) = open_from(hub.url, ("user/model", NATIVE))
    assert after["revision"] == before["revision"]
    differing = {name for name in NEEDED if after["hashes"][name] != before["hashes"][name]}
    assert differing == {"tokenizer_config.json", "model.safetensors"}


def test_the_token_comes_back_when_the_last_of_several_threads_is_done(monkeypatch):
    """One that ends first gives it to none of the others, and nobody is left without."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", False)
    first, second = without_token(), without_token()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert constants.HF_HUB_DISABLE_IMPLICIT_TOKEN
    second.__exit__(None, None, None)
    assert not constants.HF_HUB_DISABLE_IMPLICIT_TOKEN


@pytest.mark.parametrize("revision", ["../other", "/abs/x", "a//b", "a\\b", "a b", "a..b", "v1.", "-x", "x@{1}", ""])
def test_a_revision_that_is_no_name_of_gits_is_handed_to_no_client(monkeypatch, revision):
    """A manifest or a job may hold any text there, and a client may make a path of it."""
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: pytest.fail("it was handed on"))
    with pytest.raises(ModelError, match=r"has no revision .*: name a branch, a tag or a commit"):
        fetch_model("user/model", revision, ["config.json"])


@pytest.mark.parametrize("revision", [None, "main", "v1.0", "refs/pr/1", "user/feature-2", "a" * 40])
def test_names_of_branches_tags_and_commits_are_handed_on(monkeypatch, tmp_path, revision):
    """Which of them there are is for the Hub to say."""
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda _, revision, **__: tmp_path / str(revision))
    assert fetch_model("user/model", revision, ["config.json"]) == tmp_path / str(revision)
