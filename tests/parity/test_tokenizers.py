"""A tokenizer as transformers builds it against the one of ``tokenizer.json``: the same tokens, or a refusal."""

from __future__ import annotations

import json

import pytest
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from vecmill.errors import ModelError
from vecmill.models import load_tokenizer
from vecmill.models.model_files import check_tokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = [chr(code) for code in (*range(0x21, 0x7F), *range(0xC0, 0x180), 0x4E2D, 0x6587)]
TEXTS = [
    "Plain words",
    "\xc9t\xe9 na\xefve",
    "\u4e2d\u6587abc",
    "a [MASK] b [SEP]",
    "x\x00y\u200bz",
    "A" * 120,
    " leading",
    "",
]


def save_word_piece(folder, *, lowercase=True):
    """Save a BERT tokenizer's tokenizer.json."""
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *LETTERS, *(f"##{x}" for x in LETTERS)])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=SPECIAL[1]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    ends = [(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.save(str(folder / "tokenizer.json"))


def save_bytes(folder):
    """Save a RoBERTa tokenizer's tokenizer.json."""
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*special, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token=special[3]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False
    )
    tokenizer.add_special_tokens(special)
    tokenizer.save(str(folder / "tokenizer.json"))


BERT = {"tokenizer_class": "BertTokenizer"}
CASES = {
    "bert": ("bert", BERT, True),
    "bert, all stated": ("bert", BERT | {"do_lower_case": True, "strip_accents": None, "mask_token": "[MASK]"}, True),
    "bert, as it is": ("bert", {"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": False}, True),
    "do_lower_case": ("bert", BERT | {"do_lower_case": False}, False),
    "strip_accents": ("bert", BERT | {"strip_accents": False}, False),
    "tokenize_chinese_chars": ("bert", BERT | {"tokenize_chinese_chars": False}, False),
    "split_special_tokens": ("bert", BERT | {"split_special_tokens": True}, False),
    "cls_token": ("bert", BERT | {"cls_token": "[MASK]"}, False),
    "added token": ("bert", BERT | {"additional_special_tokens": ["words"]}, False),
    "roberta": ("roberta", {"tokenizer_class": "RobertaTokenizer"}, True),
    "add_prefix_space": ("roberta", {"tokenizer_class": "RobertaTokenizer", "add_prefix_space": True}, False),
    "sep_token": ("roberta", {"tokenizer_class": "RobertaTokenizer", "sep_token": "<mask>"}, False),
}


def assert_equal_or_refused(folder, config, *, expected):
    """Compare the tokens that transformers makes with ours, and whether the folder is refused."""
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    equal = [theirs(text)["input_ids"] for text in TEXTS] == load_tokenizer(folder).encode(TEXTS)
    try:
        check_tokenizer(folder, config)
    except ModelError:
        accepted = False
    else:
        accepted = True
    assert (equal, accepted) == (expected, expected)


@pytest.mark.parametrize("case", CASES)
def test_tokens_are_those_of_transformers_or_the_model_is_refused(case, tmp_path):
    """Each setting of ``tokenizer_config.json`` that changes the tokens is refused, and none that does not."""
    kind, stated, expected = CASES[case]
    save_word_piece(tmp_path) if kind == "bert" else save_bytes(tmp_path)
    config = {"model_type": kind}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(stated))
    assert_equal_or_refused(tmp_path, config, expected=expected)


@pytest.mark.parametrize("lowercase", [True, False])
def test_a_tokenizer_without_a_config_is_that_of_its_architecture(lowercase, tmp_path):
    """Transformers makes the texts of a BERT model lower case where nothing is said."""
    save_word_piece(tmp_path, lowercase=lowercase)
    config = {"model_type": "bert"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert_equal_or_refused(tmp_path, config, expected=lowercase)


@pytest.mark.parametrize("token", ["[CLS]", "[MASK]"])
def test_the_special_tokens_of_an_older_folder_overrule(token, tmp_path):
    """special_tokens_map.json goes before tokenizer_config.json where that lists no added tokens."""
    save_word_piece(tmp_path)
    config = {"model_type": "bert"}
    stated = BERT | {"cls_token": "[CLS]"}
    files = {"config": config, "tokenizer_config": stated, "special_tokens_map": {"cls_token": token}}
    for name, content in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    assert_equal_or_refused(tmp_path, config, expected=token == SPECIAL[2])
