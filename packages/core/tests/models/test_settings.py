"""The settings of a model: a missing file is nothing, a damaged one an error; limits and casing."""

from __future__ import annotations

import pytest

from vecmill.errors import ModelError
from vecmill.models.settings import check_casing, padding_token, read_max_tokens, read_settings


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
    """Stated limits are kept to, and positions that the padding token takes are not counted."""
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
