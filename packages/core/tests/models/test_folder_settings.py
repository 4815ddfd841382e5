"""describe_folder: every setting in the table of docs/models.md is obeyed, refused or without effect, as it says."""

from __future__ import annotations

import re
from typing import Any

import pytest

from repository import ROOT
from vecmill.errors import ModelError
from vecmill.models.folder import describe_folder

BERT, ST, TRANSFORMER = "tokenizer_config.json", "config_sentence_transformers.json", "sentence_bert_config.json"
POOLING, DENSE, MODULES, MODULE = (
    "1_Pooling/config.json",
    "2_Dense/config.json",
    "modules.json",
    "a module's `config.json`",
)
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
STEPS = [
    {"path": f"{n}_{name}" if n else "", "type": f"sentence_transformers.models.{name}"}
    for n, name in enumerate(["Transformer", "Pooling", "Dense", "Normalize"])
]
TOKENIZER: dict[str, Any] = {
    "added_tokens": [{"id": n, "content": token} for n, token in enumerate(SPECIAL)],
    "normalizer": {"type": "BertNormalizer", "lowercase": True},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {"type": "BertProcessing", "cls": ["[CLS]", 2], "sep": ["[SEP]", 3]},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {}},
}
LEFT_ALONE = TOKENIZER | {"normalizer": {"type": "BertNormalizer", "lowercase": False}}
BYTES: dict[str, Any] = TOKENIZER | {
    "normalizer": None,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False},
    "model": {"type": "BPE"},
}
ROBERTA: dict[str, Any] = {
    "tokenizer.json": BYTES,
    BERT: {"tokenizer_class": "RobertaTokenizer", "cls_token": "[CLS]", "sep_token": "[SEP]"},
}
PIECES: dict[str, Any] = TOKENIZER | {
    "normalizer": None,
    "pre_tokenizer": {"type": "Metaspace", "prepend_scheme": "always"},
    "model": {"type": "Unigram"},
}
XLM: dict[str, Any] = {"tokenizer.json": PIECES, BERT: {"tokenizer_class": "XLMRobertaTokenizer"}}
ENDS = {"bos_token": "[CLS]", "eos_token": "[SEP]"}
BASE: dict[str, Any] = {
    "config.json": {"model_type": "bert", "hidden_size": 8, "max_position_embeddings": 512},
    MODULES: STEPS,
    POOLING: {"pooling_mode": "mean"},
    DENSE: {"in_features": 8, "out_features": 8, "bias": True, "activation_function": "torch.nn.Tanh"},
    TRANSFORMER: {},
    ST: {"prompts": {"query": "q: ", "other": "o: "}},
    BERT: {"tokenizer_class": "BertTokenizer", "model_max_length": 256},
    "tokenizer.json": TOKENIZER,
}
BARE: dict[str, Any] = {MODULES: None, "config.json": BASE["config.json"] | {"architectures": ["QwenForCausalLM"]}}

OBEYED: dict[tuple[str, str], Any] = {
    ("config.json", "architectures"): ({MODULES: None}, BARE),
    ("config.json", "is_causal"): (BARE, {"config.json": BARE["config.json"] | {"is_causal": False}}),
    ("tokenizer.json", "all of it"): (
        {},
        {"tokenizer.json": TOKENIZER | {"model": TOKENIZER["model"] | {"vocab": {"a": 1}}}},
    ),
    (BERT, "model_max_length"): ({}, {BERT: {"model_max_length": 128}}),
    (ST, "prompts"): ({}, {ST: {"prompts": {"query": "other: "}}}),
    (ST, "default_prompt_name"): ({}, {ST: BASE[ST] | {"default_prompt_name": "other"}}),
    (ST, "similarity_fn_name"): ({}, {ST: {"similarity_fn_name": "dot"}}),
    (ST, "truncate_dim"): ({}, {ST: {"truncate_dim": 4}}),
    (TRANSFORMER, "max_seq_length"): ({}, {TRANSFORMER: {"max_seq_length": 64}}),
    (MODULES, "the steps and their order"): ({}, {MODULES: STEPS[:3]}),
    (POOLING, "pooling_mode"): ({}, {POOLING: {"pooling_mode": "cls"}}),
    (DENSE, "in_features"): ({}, {DENSE: BASE[DENSE] | {"in_features": 4}}),
    (DENSE, "out_features"): ({}, {DENSE: BASE[DENSE] | {"out_features": 4}}),
    (DENSE, "activation_function"): ({}, {DENSE: BASE[DENSE] | {"activation_function": "torch.nn.Identity"}}),
}
"""Files that change the model, and those that they change it from; each on top of BASE."""

REFUSED: dict[tuple[str, str], Any] = {
    (BERT, "do_lower_case"): {BERT: {"do_lower_case": False}},
    (BERT, "strip_accents"): {BERT: {"strip_accents": False}},
    (BERT, "tokenize_chinese_chars"): {BERT: {"tokenize_chinese_chars": False}},
    (BERT, "add_prefix_space"): ROBERTA | {BERT: ROBERTA[BERT] | {"add_prefix_space": True}},
    (BERT, "cls_token"): {BERT: {"cls_token": "[MASK]"}},
    (BERT, "sep_token"): {BERT: {"sep_token": "[MASK]"}},
    (BERT, "unk_token"): {BERT: {"unk_token": "[MASK]"}},
    (BERT, "bos_token"): XLM | {BERT: XLM[BERT] | ENDS | {"bos_token": "[MASK]"}},
    (BERT, "eos_token"): XLM | {BERT: XLM[BERT] | ENDS | {"eos_token": "[MASK]"}},
    (BERT, "added_tokens_decoder"): {BERT: {"added_tokens_decoder": {"9": {"content": "more"}}}},
    (BERT, "additional_special_tokens"): {BERT: {"additional_special_tokens": ["more"]}},
    (BERT, "extra_special_tokens"): {BERT: {"extra_special_tokens": {"a": "more"}}},
    (BERT, "split_special_tokens"): {BERT: {"split_special_tokens": True}},
    (BERT, "truncation_side"): {BERT: {"truncation_side": "left"}},
    (BERT, "tokenizer_class"): {BERT: {"tokenizer_class": "MPNetTokenizer"}},
    ("special_tokens_map.json", "all of it"): {"special_tokens_map.json": {"sep_token": "[MASK]"}},
    (ST, "any other key"): {ST: {"rescale": 2}},
    (TRANSFORMER, "do_lower_case"): {
        "tokenizer.json": LEFT_ALONE,
        BERT: {"do_lower_case": False},
        TRANSFORMER: {"do_lower_case": True},
    },
    (TRANSFORMER, "transformer_task"): {TRANSFORMER: {"transformer_task": "fill-mask"}},
    (TRANSFORMER, "modality_config"): {TRANSFORMER: {"modality_config": {"text": {"method_output_name": "logits"}}}},
    (TRANSFORMER, "any other key"): {TRANSFORMER: {"processing_kwargs": {"text": {"max_length": 7}}}},
    (POOLING, "include_prompt"): {POOLING: {"include_prompt": False}},
    (DENSE, "use_residual"): {DENSE: BASE[DENSE] | {"use_residual": True}},
    (DENSE, "module_input_name"): {DENSE: BASE[DENSE] | {"module_input_name": "token_embeddings"}},
    (DENSE, "module_output_name"): {DENSE: BASE[DENSE] | {"module_output_name": "token_embeddings"}},
    (MODULE, "any other key"): {POOLING: {"pooling_mode_attention": True}},
}
WITHOUT_EFFECT: dict[tuple[str, str], Any] = {
    (BERT, "padding_side"): {BERT: BASE[BERT] | {"padding_side": "left"}},
    (TRANSFORMER, "unpad_inputs"): {TRANSFORMER: {"unpad_inputs": True}},
}
ELSEWHERE = {(DENSE, "bias")}
"""What the weights say too: whether they hold a bias is tested with the engine."""


def list_settings():
    """Return the table: the effect of each setting, by its file and its name."""
    rows, file = {}, ""
    for line in (ROOT / "docs/models.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 3 and cells[0] != "file" and set(cells[0]) != {"-"}:
            file = cells[0].strip("`") if cells[0].startswith("`") else cells[0] or file
            names = re.findall(r"`([^`]+)`", cells[1]) or [cells[1]]
            rows |= {(file, name): re.split(r"[ ,:;]", cells[2])[0] for name in names}
    return rows


def describe(tmp_path, write_model, files):
    """Return all that a folder says of its vectors."""
    found = describe_folder("m", write_model(tmp_path, BASE | files))
    said = found.pipeline, found.prompts, found.max_tokens, found.dimension, found.similarity
    return *said, found.files["tokenizer.json"]


def test_every_setting_of_the_table_is_tried():
    """None is listed that is not tested here, and none is tested that is not listed."""
    tried = {
        **dict.fromkeys([*OBEYED, *ELSEWHERE], "obeyed"),
        **dict.fromkeys(REFUSED, "refused"),
        **dict.fromkeys(WITHOUT_EFFECT, "without"),
    }
    assert list_settings() == tried


@pytest.mark.parametrize("setting", OBEYED, ids=" ".join)
def test_a_setting_that_is_obeyed_changes_the_model(setting, tmp_path, write_model):
    """It is not read in vain."""
    before, after = OBEYED[setting]
    one, other = (
        describe(tmp_path / name, write_model, files) for name, files in (("1", before), ("2", before | after))
    )
    assert one != other


@pytest.mark.parametrize("setting", REFUSED, ids=" ".join)
def test_a_setting_that_is_refused_ends_the_work_before_it_begins(setting, tmp_path, write_model):
    """The folder without it is accepted."""
    describe(tmp_path / "1", write_model, {})
    with pytest.raises(ModelError):
        describe(tmp_path / "2", write_model, REFUSED[setting])


def test_tokenizers_of_other_classes_are_accepted_where_the_files_agree(tmp_path, write_model):
    """What is refused of them is refused for the setting alone."""
    describe(tmp_path / "1", write_model, ROBERTA)
    describe(tmp_path / "2", write_model, XLM | {BERT: XLM[BERT] | ENDS})


@pytest.mark.parametrize("setting", WITHOUT_EFFECT, ids=" ".join)
def test_a_setting_without_effect_changes_nothing(setting, tmp_path, write_model):
    """Neither vectors nor what is said of them."""
    one, other = (
        describe(tmp_path / name, write_model, files) for name, files in (("1", {}), ("2", WITHOUT_EFFECT[setting]))
    )
    assert one == other
