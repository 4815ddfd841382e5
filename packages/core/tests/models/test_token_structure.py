"""Which tokenizers are seen to count word by word."""

from __future__ import annotations

import json

import pytest
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

from vecmill.models.token_structure import is_additive

WHITESPACE, METASPACE = pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()


def made(splitter, normalizer=None, special=()):
    """Return a tokenizer of two words, split and normalised like this."""
    tokenizer = Tokenizer(models.WordLevel({"x": 0, "y": 1, "?": 2}, unk_token="?"))  # noqa: S106 - a token of text
    if splitter:
        tokenizer.pre_tokenizer = splitter
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.add_tokens([AddedToken(content) for content in special])
    return tokenizer


@pytest.mark.parametrize(
    "tokenizer",
    [
        made(WHITESPACE),
        made(pre_tokenizers.Whitespace(), normalizers.Lowercase()),
        made(pre_tokenizers.BertPreTokenizer(), normalizers.BertNormalizer()),
        made(pre_tokenizers.Sequence([WHITESPACE, METASPACE]), normalizers.NFKC()),
        made(WHITESPACE, normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(" {2,}"), " ")])),
        made(WHITESPACE, special=["[SEP]"]),
    ],
)
def test_splitting_at_whitespace_first_is_additive(tokenizer):
    """Whatever happens within words, words are counted one by one."""
    assert is_additive(json.loads(tokenizer.to_str()), tokenizer)


@pytest.mark.parametrize(
    "tokenizer",
    [
        made(None),
        made(METASPACE),
        made(pre_tokenizers.ByteLevel()),
        made(pre_tokenizers.Sequence([METASPACE, WHITESPACE])),
        made(pre_tokenizers.Sequence([WHITESPACE, pre_tokenizers.Metaspace(prepend_scheme="first")])),
        made(pre_tokenizers.Sequence([WHITESPACE, pre_tokenizers.ByteLevel()])),
        made(WHITESPACE, normalizers.Replace(" ", "")),
        made(WHITESPACE, normalizers.Prepend("x")),
        made(WHITESPACE, special=["new york"]),
    ],
)
def test_what_may_join_words_is_not_additive(tokenizer):
    """Without a split, with one that marks the first word alone, with rules or special tokens over spaces."""
    assert not is_additive(json.loads(tokenizer.to_str()), tokenizer)
