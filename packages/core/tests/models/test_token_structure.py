"""Which tokenizers are seen to count word by word."""

from __future__ import annotations

import json
import struct

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


def character_map(key, value):
    """Return a map of one key in the form XLM-R's tokenizer has: a double-array trie's size, the trie, the values."""
    units = [0] * 512
    place, before = 0, 0
    for number, byte in enumerate(key.encode()):
        step = 1 << number
        units[before] |= step << 10
        place = place ^ step ^ byte
        units[place], before = byte, place
    units[before] |= 1 << 8 | 256 << 10
    units[before ^ 256] = 1 << 31
    trie = struct.pack("<512I", *units)
    return normalizers.Precompiled(struct.pack("<I", len(trie)) + trie + value.encode() + b"\0")


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


def test_a_character_map_within_words_is_additive():
    """XLM-R's way of normalising."""
    tokenizer = made(WHITESPACE, character_map("z\u0301", "x"))

    assert tokenizer.normalizer.normalize_str("z\u0301 y") == "x y"
    assert is_additive(json.loads(tokenizer.to_str()), tokenizer)


def test_a_character_map_across_a_space_is_not_additive():
    """A space and the mark after it are one grapheme, which a map may replace."""
    tokenizer = made(WHITESPACE, character_map(" \u0301", "x"))

    assert tokenizer.normalizer.normalize_str("y \u0301y") == "yxy"
    assert not is_additive(json.loads(tokenizer.to_str()), tokenizer)
