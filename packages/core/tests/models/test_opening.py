"""open_model on folders: the weights that are taken, their digest, and pins."""

from __future__ import annotations

import hashlib

import pytest

from vecmill.errors import ConfigError, ModelError
from vecmill.models import open_model

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
    for place in ("here", "there"):
        assert open_model(str(write_model(tmp_path / place))).revision == NUMBERS


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
    """Told without asking the Hub."""
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
