"""describe_folder: what a folder says of its model, its pipeline and its prompts."""

from __future__ import annotations

import pytest

from vecmill.errors import ModelError
from vecmill.models.folder import Dense, Pipeline, describe_folder, read_pipeline, read_prompts, read_similarity
from vecmill.records import SIMILARITIES

NEW_SETTINGS = {
    "transformer_task": "feature-extraction",
    "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
    "module_output_name": "token_embeddings",
}


def test_everything_comes_from_the_models_own_files(tmp_path, write_model):
    """Width, limit, pooling, normalization and prompts."""
    prompts = {"config_sentence_transformers.json": {"prompts": {"query": "q: ", "document": "d: "}}}
    found = describe_folder("mine", write_model(tmp_path, files=prompts))
    assert (found.id, found.kind, found.dimension, found.max_tokens) == ("mine", "bert", 8, 128)
    assert (found.pipeline.pooling, found.pipeline.normalized) == (("mean",), True)
    assert found.prompts == ("d: ", "q: ")
    assert found.path == found.root == tmp_path


def test_the_settings_of_new_versions_are_read(tmp_path, write_model):
    """They have no max_seq_length: the tokenizer's limit holds."""
    files = {"sentence_bert_config.json": NEW_SETTINGS, "tokenizer_config.json": {"model_max_length": 99}}
    assert describe_folder("mine", write_model(tmp_path, files=files)).max_tokens == 99


@pytest.mark.parametrize("key", ["hidden_size", "dim", "d_model"])
def test_the_width_is_known_under_all_its_names(key, tmp_path, write_model):
    """DistilBERT and others call it something else."""
    files = {"config.json": {"model_type": "some", key: 24}}
    assert describe_folder("mine", write_model(tmp_path, files=files)).dimension == 24


def test_a_model_with_code_of_its_own_is_of_no_known_kind(tmp_path, write_model):
    """Its model_type may be that of an architecture it is not."""
    files = {"config.json": {"model_type": "bert", "hidden_size": 8, "auto_map": {"AutoModel": "x--modeling.Bert"}}}
    assert describe_folder("mine", write_model(tmp_path, files=files)).kind == "unknown"


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
        describe_folder("mine", write_model(tmp_path, files=files))


NEW_NAMES = [
    {"path": "", "type": "sentence_transformers.base.modules.transformer.Transformer"},
    {"path": "1_Pooling", "type": "sentence_transformers.sentence_transformer.modules.pooling.Pooling"},
    {"path": "2_Normalize", "type": "sentence_transformers.base.modules.normalize.Normalize"},
]
DENSE = {
    "in_features": 8,
    "out_features": 4,
    "bias": True,
    "activation_function": "torch.nn.modules.activation.Tanh",
    "module_input_name": "sentence_embedding",
    "module_output_name": None,
}


def modules(*names):
    """Return a modules.json in the older form."""
    steps = enumerate(names)
    return [{"path": f"{n}_{name}" if n else "", "type": f"sentence_transformers.models.{name}"} for n, name in steps]


@pytest.mark.parametrize(
    ("config", "pooling"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, ("cls",)),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, ("mean",)),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}, ("cls", "mean")),
        ({"pooling_mode_lasttoken": True}, ("lasttoken",)),
        ({"pooling_mode": "weightedmean"}, ("weightedmean",)),
        ({"pooling_mode": ["max", "mean_sqrt_len_tokens"]}, ("max", "mean_sqrt_len_tokens")),
        ({"pooling_mode": "cls", "pooling_mode_mean_tokens": True}, ("cls",)),
        ({}, ("mean",)),
    ],
)
def test_pooling_is_read_in_its_old_and_its_new_form(config, pooling, tmp_path, write_model):
    """The form with a flag for each way and the form with names mean the same."""
    write_model(tmp_path, files={"1_Pooling/config.json": config})
    assert read_pipeline(tmp_path).pooling == pooling


@pytest.mark.parametrize("steps", [modules("Transformer", "Pooling", "Normalize"), NEW_NAMES])
def test_class_names_of_all_versions_are_known(steps, tmp_path, write_model):
    """Where a version keeps its classes does not matter."""
    write_model(tmp_path, files={"modules.json": steps})
    assert read_pipeline(tmp_path) == Pipeline(pooling=("mean",), normalized=True)


def test_only_a_normalize_module_normalizes(tmp_path, write_model):
    """Without it vectors keep their length; Dropout changes nothing."""
    write_model(tmp_path, files={"modules.json": modules("Transformer", "Pooling", "Dropout")})
    assert read_pipeline(tmp_path) == Pipeline()


def test_a_dense_layer_sets_the_dimension(tmp_path, write_model):
    """The vector is as wide as the last layer; without one, as the pooled ways together."""
    steps = modules("Transformer", "Pooling", "Dense", "Normalize")
    write_model(tmp_path, files={"modules.json": steps, "2_Dense/config.json": DENSE})
    found = read_pipeline(tmp_path)
    assert found.dense == (Dense("2_Dense", 8, 4, "Tanh"),)
    assert found.dimension(8) == 4
    assert Pipeline(pooling=("cls", "mean")).dimension(8) == 16


def test_a_bare_transformer_pools_as_sentence_transformers_does_then(tmp_path):
    """No modules.json: mean, not normalized."""
    assert read_pipeline(tmp_path) == Pipeline(pooling=("mean",), normalized=False)


@pytest.mark.parametrize(
    ("config", "pooling"),
    [
        ({"architectures": ["Qwen3ForCausalLM"]}, "lasttoken"),
        ({"architectures": ["Qwen3ForCausalLM"], "is_causal": False}, "mean"),
        ({"architectures": ["Qwen3Model", "Qwen3ForCausalLM"]}, "mean"),
        ({"architectures": None}, "mean"),
        ({}, "mean"),
    ],
)
def test_a_bare_causal_model_pools_its_last_token(config, pooling, tmp_path, write_model):
    """As sentence-transformers does; one that looks both ways takes the mean."""
    write_model(tmp_path, files={"modules.json": None, "config.json": {"model_type": "qwen3"} | config})
    assert read_pipeline(tmp_path) == Pipeline(pooling=(pooling,), normalized=False)


def test_a_transformer_in_a_folder_of_its_own_is_found(tmp_path, write_model):
    """As the first versions saved it."""
    steps = modules("Transformer", "Pooling")
    steps[0]["path"] = "0_Transformer"
    write_model(tmp_path, files={"modules.json": steps})
    assert read_pipeline(tmp_path).transformer == "0_Transformer"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"config_sentence_transformers.json": {"model_type": "SparseEncoder"}}, "holds a SparseEncoder"),
        (
            {"modules.json": [{"path": "", "type": "custom_st.Transformer"}]},
            r"code of its own \(custom_st.Transformer\)",
        ),
        ({"modules.json": ["x"]}, "code of its own"),
        ({"modules.json": modules("WordEmbeddings", "Pooling")}, "made of WordEmbeddings"),
        ({"modules.json": modules("Transformer")}, "made of Transformer"),
        ({"modules.json": []}, "made of nothing"),
        ({"modules.json": modules("Transformer", "Pooling", "Normalize", "Dense")}, "Normalize . Dense"),
        ({"modules.json": modules("Transformer", "Pooling", "CNN")}, "CNN"),
        ({"1_Pooling/config.json": {"pooling_mode": "median"}}, "pools by median"),
        ({"1_Pooling/config.json": {"include_prompt": False}}, "leaves the prompt out"),
        ({"2_Normalize/config.json": {"module_input_name": "token_embeddings"}}, "applies Normalize to"),
    ],
)
def test_what_is_not_known_is_refused_by_name(files, message, tmp_path, write_model):
    """No step is left out in silence."""
    with pytest.raises(ModelError, match=message):
        read_pipeline(write_model(tmp_path, files=files))


@pytest.mark.parametrize(
    ("change", "message"),
    [({"use_residual": True}, "residual"), ({"in_features": None}, "get the model's files again")],
)
def test_a_dense_layer_that_is_not_known_is_refused(change, message, tmp_path, write_model):
    """Options that would give other vectors, and damaged ones."""
    steps = modules("Transformer", "Pooling", "Dense")
    write_model(tmp_path, files={"modules.json": steps, "2_Dense/config.json": DENSE | change})
    with pytest.raises(ModelError, match=message):
        read_pipeline(tmp_path)


@pytest.mark.parametrize(
    ("settings", "document", "query"),
    [
        ({}, "", ""),
        ({"prompts": {"query": "", "document": ""}, "default_prompt_name": None}, "", ""),
        ({"prompts": {"query": "query: ", "passage": "passage: "}}, "passage: ", "query: "),
        ({"prompts": {"query": "q: ", "document": "d: ", "passage": "p: "}}, "d: ", "q: "),
        ({"prompts": {"corpus": "c: "}}, "c: ", ""),
        ({"prompts": {"query": "q: ", "document": "", "passage": "p: "}}, "p: ", "q: "),
        ({"prompts": {"document": "", "passage": "", "corpus": "c: "}}, "c: ", ""),
        ({"prompts": {"document": "", "s2p": "text: "}, "default_prompt_name": "s2p"}, "", "text: "),
        ({"prompts": {"query": "search: "}}, "", "search: "),
        ({"prompts": {"s2p": "text: "}, "default_prompt_name": "s2p"}, "text: ", "text: "),
        ({"prompts": {"query": "q: "}, "default_prompt_name": "query"}, "", "q: "),
        ({"prompts": {"document": None, "query": "q: "}, "default_prompt_name": "query"}, "", "q: "),
        ({"prompts": None}, "", ""),
    ],
)
def test_documents_and_queries_get_their_own_prompt_or_the_default(settings, document, query, tmp_path, write_model):
    """A named prompt goes before the default, and documents never get the query's."""
    write_model(tmp_path, files={"config_sentence_transformers.json": settings})
    assert read_prompts(tmp_path) == (document, query)


@pytest.mark.parametrize("name", SIMILARITIES)
def test_vectors_are_compared_as_the_models_files_say(name, tmp_path, write_model):
    """Each by the name that sentence-transformers has for it."""
    write_model(tmp_path, files={"config_sentence_transformers.json": {"similarity_fn_name": name}})
    assert (
        read_similarity(tmp_path) == describe_folder("m", tmp_path).info("", None, normalized=True).similarity == name
    )


@pytest.mark.parametrize("settings", [None, {}, {"similarity_fn_name": None}])
@pytest.mark.parametrize("steps", [("Transformer", "Pooling"), ("Transformer", "Pooling", "Normalize")])
def test_where_they_do_not_say_it_is_the_cosine(settings, steps, tmp_path, write_model):
    """As in sentence-transformers, whether vectors are normalised or not."""
    write_model(tmp_path, files={"config_sentence_transformers.json": settings, "modules.json": modules(*steps)})
    assert describe_folder("m", tmp_path).info("", None, normalized="Normalize" in steps).similarity == "cosine"


@pytest.mark.parametrize("name", ["nearness", 3, ["cosine"]])
def test_a_comparison_that_is_not_known_is_refused(name, tmp_path, write_model):
    """A dataset of such a model would be searched wrongly."""
    write_model(tmp_path, files={"config_sentence_transformers.json": {"similarity_fn_name": name}})
    with pytest.raises(ModelError, match="is not one of cosine, dot, euclidean, manhattan"):
        describe_folder("m", tmp_path)


DESCRIPTION, TRANSFORMER = "config_sentence_transformers.json", "sentence_bert_config.json"


@pytest.mark.parametrize(
    ("file", "settings"),
    [
        (DESCRIPTION, {"rescale": 2}),
        (DESCRIPTION, {"quantization": "int8"}),
        (TRANSFORMER, {"processing_kwargs": {"text": {"add_special_tokens": False}}}),
        (TRANSFORMER, {"query_length": 32}),
        (TRANSFORMER, {"tokenizer_args": {"padding_side": "left"}}),
        (TRANSFORMER, {"model_args": {"attn_implementation": "eager"}}),
        ("1_Pooling/config.json", {"pooling_mode_attention": True}),
        ("2_Normalize/config.json", {"p": 1}),
        ("3_Dense/config.json", DENSE | {"dropout": 0.5}),
    ],
)
def test_a_setting_that_is_not_known_is_refused_by_name(file, settings, tmp_path, write_model):
    """It could change the vectors; switched off it changes nothing."""
    steps = modules("Transformer", "Pooling", "Dense" if "Dense" in file else "Normalize")
    name = next(key for key in settings if key not in DENSE)
    files = {"modules.json": steps, file.replace("3_", "2_"): settings}
    with pytest.raises(ModelError, match=rf"says {name} = .*not known here and could change the vectors"):
        describe_folder("m", write_model(tmp_path, files=files))
    for off in (None, False, {}):
        describe_folder("m", write_model(tmp_path, files={file.replace("3_", "2_"): settings | {name: off}}))


@pytest.mark.parametrize(
    ("file", "settings"),
    [
        (DESCRIPTION, {"__version__": {"sentence_transformers": "6.2.0"}, "requirements": {"transformers": ">=5"}}),
        (TRANSFORMER, NEW_SETTINGS | {"unpad_inputs": True, "query_length": None, "max_seq_length": 64}),
        ("1_Pooling/config.json", {"embedding_dimension": 8, "pooling_mode": "mean", "include_prompt": True}),
        ("2_Normalize/config.json", {"module_input_name": "sentence_embedding", "module_output_name": None}),
    ],
)
def test_settings_of_every_version_are_accepted(file, settings, tmp_path, write_model):
    """All that sentence-transformers writes for a model that is known here."""
    describe_folder("m", write_model(tmp_path, files={file: settings}))


@pytest.mark.parametrize(("width", "dimension"), [(3, 3), (8, 8), (99, 8), (None, 8)])
def test_a_model_that_cuts_its_vectors_is_that_wide(width, dimension, tmp_path, write_model):
    """``truncate_dim`` is obeyed, and no vector gets wider by it."""
    found = describe_folder("m", write_model(tmp_path, files={DESCRIPTION: {"truncate_dim": width}}))
    assert found.info("", None, normalized=True).dimension == found.dimension == dimension


@pytest.mark.parametrize("width", [0, -1, True, "8", 4.0])
def test_a_width_that_is_none_is_refused(width, tmp_path, write_model):
    """It would be ignored, or fail in the middle of a run."""
    with pytest.raises(ModelError, match="says truncate_dim = "):
        describe_folder("m", write_model(tmp_path, files={DESCRIPTION: {"truncate_dim": width}}))
