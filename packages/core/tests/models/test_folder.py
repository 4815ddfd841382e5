"""describe: what a folder says of its model."""

from __future__ import annotations

import pytest

from vecmill.errors import ModelError
from vecmill.models.folder import describe

NEW_SETTINGS = {
    "transformer_task": "feature-extraction",
    "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
    "module_output_name": "token_embeddings",
}


def test_everything_comes_from_the_models_own_files(tmp_path, write_model):
    """Width, limit, pooling, normalization and prompts."""
    prompts = {"config_sentence_transformers.json": {"prompts": {"query": "q: ", "document": "d: "}}}
    found = describe("mine", write_model(tmp_path, files=prompts))
    assert (found.id, found.kind, found.dimension, found.max_tokens) == ("mine", "bert", 8, 128)
    assert (found.pipeline.pooling, found.pipeline.normalized) == (("mean",), True)
    assert found.prompts == ("d: ", "q: ")
    assert found.path == found.root == tmp_path


def test_the_settings_of_new_versions_are_read(tmp_path, write_model):
    """They have no max_seq_length: the tokenizer's limit holds."""
    files = {"sentence_bert_config.json": NEW_SETTINGS, "tokenizer_config.json": {"model_max_length": 99}}
    assert describe("mine", write_model(tmp_path, files=files)).max_tokens == 99


@pytest.mark.parametrize("key", ["hidden_size", "dim", "d_model"])
def test_the_width_is_known_under_all_its_names(key, tmp_path, write_model):
    """DistilBERT and others call it something else."""
    files = {"config.json": {"model_type": "some", key: 24}}
    assert describe("mine", write_model(tmp_path, files=files)).dimension == 24


def test_a_model_with_code_of_its_own_is_of_no_known_kind(tmp_path, write_model):
    """Its model_type may be that of an architecture it is not."""
    files = {"config.json": {"model_type": "bert", "hidden_size": 8, "auto_map": {"AutoModel": "x--modeling.Bert"}}}
    assert describe("mine", write_model(tmp_path, files=files)).kind == "unknown"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"config.json": None}, "holds no model"),
        ({"config.json": {"model_type": "bert"}}, "how wide"),
        ({"sentence_bert_config.json": {"transformer_task": "fill-mask"}}, "made for fill-mask"),
        (
            {"sentence_bert_config.json": {"modality_config": {"text": {"method_output_name": "pooler_output"}}}},
            "gives pooler_output",
        ),
    ],
)
def test_what_is_not_a_text_embedder_is_refused(files, message, tmp_path, write_model):
    """An empty folder, and models that are used in another way."""
    with pytest.raises(ModelError, match=message):
        describe("mine", write_model(tmp_path, files=files))
