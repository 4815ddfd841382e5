"""The model's tokenizer: counts are those of Hugging Face's tokenizers, on every input."""

from __future__ import annotations

import json
import struct
import sys
from itertools import chain

import numpy as np
import orjson
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

from vecmill.errors import ModelError
from vecmill.models import tokenizer as tokenizer_module
from vecmill.models.tokenizer import (
    ExactCounter,
    TokieCounter,
    WordCounter,
    find_fast_counter,
    is_additive,
    load_tokenizer,
)
from vecmill.testing import AWKWARD_TEXTS

ADDITIVE = ["bert", "xlmr", "bpe"]
NOT_ADDITIVE = ["t5", "gpt"]
BITS = [
    "[SEP]",
    "</s>",
    "<s>",
    "[",
    "the ",
    "Class",
    ".\n\n",
    " \t",
    "\u3000",
    "e\u0301",
    "a" * 101,
    "\u4e2d",
    "\x7f",
    "\x1c",
]
TEXTS = st.lists(st.text(max_size=12) | st.sampled_from(BITS), max_size=8).map("".join)


@pytest.fixture(scope="module", params=ADDITIVE + NOT_ADDITIVE)
def both(request, tokenizer_folders):
    """Return a tokenizer, and the same one as its own library loads it."""
    folder = tokenizer_folders[request.param]
    return load_tokenizer(folder), _peer(folder)


def _peer(folder):
    exact = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    exact.no_padding()
    exact.no_truncation()
    return exact


@given(texts=st.lists(TEXTS, max_size=5))
def test_count_is_that_of_the_library(both, texts):
    """``count`` equals the length of the ids, special tokens left out, for any Unicode."""
    tokenizer, exact = both
    encodings = exact.encode_batch(texts, add_special_tokens=False)

    counts = tokenizer.count(texts)

    assert counts.dtype == np.int64
    assert counts.tolist() == [len(encoding.ids) for encoding in encodings]


def test_count_of_more_than_is_held_at_once(both):
    """Texts beyond the million characters counted at a time keep their order."""
    texts = [*AWKWARD_TEXTS, "word " * 260_000, "one", "word " * 260_000, "", *AWKWARD_TEXTS]
    tokenizer, _ = both

    assert tokenizer.count(texts).tolist() == [int(tokenizer.count([text])[0]) for text in texts]


def test_encode_is_that_of_the_library(both):
    """``encode`` gives the ids with special tokens, whatever truncation the file asks for."""
    tokenizer, exact = both
    encodings = exact.encode_batch(list(AWKWARD_TEXTS))

    ids = tokenizer.encode(AWKWARD_TEXTS)

    assert ids == [encoding.ids for encoding in encodings]
    assert max(map(len, ids)) > 512


@given(text=TEXTS)
def test_special_tokens_are_what_encode_adds(both, text):
    """``special_tokens`` is the difference between the ids with and without them."""
    tokenizer, _ = both

    assert len(tokenizer.encode([text])[0]) == tokenizer.count([text])[0] + tokenizer.special_tokens


@given(text=TEXTS)
def test_offsets_are_one_row_per_token(both, text):
    """``offsets`` has a row for each counted token, in order and within the text."""
    tokenizer, _ = both

    offsets = tokenizer.offsets(text)

    assert offsets.shape == (tokenizer.count([text])[0], 2)
    assert (offsets >= 0).all()
    assert (offsets <= len(text)).all()
    assert (np.diff(offsets[:, 0]) >= 0).all()


@pytest.mark.parametrize("both", ADDITIVE, indirect=True)
@given(pieces=st.lists(TEXTS, min_size=2, max_size=4), space=st.text(" \t\r\n", min_size=1, max_size=3))
def test_additive_means_that_counts_add_up(both, pieces, space):
    """Splitting at whitespace first, as BERT and XLM-R do: pieces have together the tokens of the text."""
    tokenizer, exact = both
    encoding = exact.encode(space.join(pieces), add_special_tokens=False)

    assert tokenizer.additive
    assert tokenizer.count(pieces).sum() == len(encoding.ids)


@pytest.mark.parametrize("both", NOT_ADDITIVE, indirect=True)
def test_additive_is_not_claimed_where_counts_do_not_add_up(both):
    """Byte-level and unsplit text: one word after another is not the two of them."""
    tokenizer, _ = both

    words = ["a", "class", "definition", "may", "inherit", "from", "the", "base"]

    assert not tokenizer.additive
    assert {int(tokenizer.count([space.join(words)])[0]) for space in " \n"} != {tokenizer.count(words).sum()}


def test_a_folder_without_tokenizer_is_refused(tmp_path):
    """The error names the folder."""
    with pytest.raises(ModelError, match=r"holds no tokenizer\.json"):
        load_tokenizer(tmp_path)


def test_a_damaged_tokenizer_is_refused(tmp_path):
    """The error names the file."""
    (tmp_path / "tokenizer.json").write_text('{"model": ')

    with pytest.raises(ModelError, match=r"tokenizer\.json cannot be used as a tokenizer"):
        load_tokenizer(tmp_path)


# Hangul and its parts, marks of several classes, an alphabet with a final form, ligatures, dotted capitals, digits.
NORMALISED = "\ud55c\u1112\u1161\u11ab\u302e\u0301\u0323\u0315\u0345\u03a3\u03c2\ufb01\u0130i\u0307\u1e9e\u2460\uff21"
SPACES = "\t\n\v\f\r\x1c\x85\xa0\u1680\u2003\u2028\u200b\u200d\u3000\ufeff\xad"
# Known to one Unicode table and not to the other, or to none: these differ.
DIFFERENT = "\x7f\u0378\u0890\u1c89\u1ded\ua7cb\ud7ff\ue000\U0001faea\U000e0000"


@pytest.fixture(scope="module")
def exact(tokenizer_folders):
    """Return BERT's tokenizer as its own library loads it."""
    tokenizer = Tokenizer.from_file(str(tokenizer_folders["bert"] / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


@pytest.fixture(scope="module")
def fast(tokenizer_folders, exact):
    """Return the fast counter of BERT's tokenizer."""
    pytest.importorskip("tokie")
    return find_counter(tokenizer_folders["bert"], exact)


def find_counter(folder, exact):
    """Return the fast counter for a folder's tokenizer, if there is one."""
    return find_fast_counter(folder / "tokenizer.json", orjson.loads(exact.to_str()), exact)


class Liar:
    """Gives the ids of the model's tokenizer, but one too many for each of some words."""

    def __init__(self, exact, wrong):
        self.exact, self.wrong, self.asked = exact, wrong, []

    def encode_batch_flat(self, texts, _special):
        """Return all ids in one array, and how many each text has, as tokie does."""
        self.asked += texts
        ids = [self.exact.encode(text, add_special_tokens=False).ids for text in texts]
        ids = [[*each, *[0] * sum(map(text.count, self.wrong))] for each, text in zip(ids, texts, strict=True)]
        return np.array([*chain.from_iterable(ids)], np.uint32), np.array([*map(len, ids)], np.uint64)


def test_bert_has_a_fast_counter(fast):
    """The demo's own model is counted by tokie."""
    assert isinstance(fast, TokieCounter)


@given(st.lists(st.text() | st.text(NORMALISED) | st.text(SPACES + "ab") | st.text(DIFFERENT + "ab"), max_size=4))
def test_counts_are_exact(fast, exact, texts):
    """Whatever the characters, their order and their neighbours."""
    assert fast.count(texts).tolist() == ExactCounter(exact).count(texts).tolist()


def test_counts_are_exact_all_over_unicode(fast, exact):
    """A character from every few dozen, assigned or not, between others."""
    codes = (code for code in range(0, 0x110000, 61) if not 0xD800 <= code < 0xE000)
    texts = [f"a{chr(code)}b" for code in codes]

    assert fast.count(texts).tolist() == ExactCounter(exact).count(texts).tolist()


@pytest.mark.parametrize("wrong", ["q", "\u00e9", "\u4e2d"])
def test_texts_with_a_character_that_differs_are_counted_exactly(exact, wrong):
    """A fast tokenizer that miscounts a character is not asked about texts that have it."""
    liar = Liar(exact, wrong)
    texts = ["plain", f"a {wrong} b", f"{wrong * 3}", "d\u00e8j\u00e0"]

    counts = TokieCounter(liar, exact, []).count(texts)

    assert counts.tolist() == ExactCounter(exact).count(texts).tolist()
    assert texts[0] in liar.asked


def test_texts_that_spell_a_special_token_are_counted_exactly(exact):
    """What a fast tokenizer makes of such a text does not matter."""
    liar = Liar(exact, ["[SEP]"])

    assert TokieCounter(liar, exact, ["[SEP]", "[CLS]"]).count(["x[SEP]y", "x"]).tolist() == [3, 1]


def test_a_fast_tokenizer_that_fails_the_probes_is_not_used(exact):
    """Words at the limit of a hundred characters show one that has another limit."""
    liar = TokieCounter(Liar(exact, ["a" * 101]), exact, [])

    assert liar.agrees(["a" * 100, "a" * 101]).tolist() == [True, False]


@pytest.mark.parametrize("kind", ["xlmr", "t5", "bpe", "gpt"])
def test_other_kinds_have_no_fast_counter(tokenizer_folders, kind):
    """Only BERT's way of splitting is known to depend on single characters."""
    folder = tokenizer_folders[kind]

    assert find_counter(folder, Tokenizer.from_file(str(folder / "tokenizer.json"))) is None


def test_without_tokie_counts_are_the_same(tokenizer_folders, exact, monkeypatch):
    """The library is optional: nothing but speed depends on it."""
    monkeypatch.setitem(sys.modules, "tokie", None)

    tokenizer = load_tokenizer(tokenizer_folders["bert"])

    assert tokenizer.count(AWKWARD_TEXTS).tolist() == ExactCounter(exact).count(AWKWARD_TEXTS).tolist()


@pytest.fixture(scope="module")
def exact_xlmr(tokenizer_folders):
    """Return a tokenizer of XLM-R's kind."""
    return Tokenizer.from_file(str(tokenizer_folders["xlmr"] / "tokenizer.json"))


def test_words_are_counted_as_texts_are(exact_xlmr):
    """On texts with every kind of whitespace, when first met and when remembered."""
    counter = WordCounter(exact_xlmr)

    first, again = counter.count(AWKWARD_TEXTS), counter.count(AWKWARD_TEXTS)

    assert first.tolist() == again.tolist() == ExactCounter(exact_xlmr).count(AWKWARD_TEXTS).tolist()


def test_memory_of_words_is_bounded(exact_xlmr, monkeypatch):
    """A corpus of ever new words does not fill the memory, and what is forgotten is counted again."""
    monkeypatch.setattr(tokenizer_module, "_REMEMBERED_CHARACTERS", 1000)
    counter = WordCounter(exact_xlmr)
    texts = [f"word{n} other{n} " * 3 for n in range(2000)]

    counts = [int(counter.count([text])[0]) for text in texts]

    assert counts == ExactCounter(exact_xlmr).count(texts).tolist()
    assert sum(map(len, counter._known)) <= 1000


WHITESPACE, METASPACE = pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()


def build_tokenizer(splitter, normalizer=None, special=()):
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
    unit, before = 0, 0
    for number, byte in enumerate(key.encode()):
        step = 1 << number
        units[before] |= step << 10
        unit = unit ^ step ^ byte
        units[unit], before = byte, unit
    units[before] |= 1 << 8 | 256 << 10
    units[before ^ 256] = 1 << 31
    trie = struct.pack("<512I", *units)
    return normalizers.Precompiled(struct.pack("<I", len(trie)) + trie + value.encode() + b"\0")


@pytest.mark.parametrize(
    "tokenizer",
    [
        build_tokenizer(WHITESPACE),
        build_tokenizer(pre_tokenizers.Whitespace(), normalizers.Lowercase()),
        build_tokenizer(pre_tokenizers.BertPreTokenizer(), normalizers.BertNormalizer()),
        build_tokenizer(pre_tokenizers.Sequence([WHITESPACE, METASPACE]), normalizers.NFKC()),
        build_tokenizer(
            WHITESPACE, normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(" {2,}"), " ")])
        ),
        build_tokenizer(WHITESPACE, special=["[SEP]"]),
    ],
)
def test_splitting_at_whitespace_first_is_additive(tokenizer):
    """Whatever happens within words, words are counted one by one."""
    assert is_additive(json.loads(tokenizer.to_str()), tokenizer)


@pytest.mark.parametrize(
    "tokenizer",
    [
        build_tokenizer(None),
        build_tokenizer(METASPACE),
        build_tokenizer(pre_tokenizers.ByteLevel()),
        build_tokenizer(pre_tokenizers.Sequence([METASPACE, WHITESPACE])),
        build_tokenizer(pre_tokenizers.Sequence([WHITESPACE, pre_tokenizers.Metaspace(prepend_scheme="first")])),
        build_tokenizer(pre_tokenizers.Sequence([WHITESPACE, pre_tokenizers.ByteLevel()])),
        build_tokenizer(WHITESPACE, normalizers.Replace(" ", "")),
        build_tokenizer(WHITESPACE, normalizers.Prepend("x")),
        build_tokenizer(WHITESPACE, special=["new york"]),
    ],
)
def test_what_may_join_words_is_not_additive(tokenizer):
    """Without a split, with one that marks the first word alone, with rules or special tokens over spaces."""
    assert not is_additive(json.loads(tokenizer.to_str()), tokenizer)


def test_a_character_map_within_words_is_additive():
    """XLM-R's way of normalising."""
    tokenizer = build_tokenizer(WHITESPACE, character_map("z\u0301", "x"))

    assert tokenizer.normalizer.normalize_str("z\u0301 y") == "x y"
    assert is_additive(json.loads(tokenizer.to_str()), tokenizer)


def test_a_character_map_across_a_space_is_not_additive():
    """A space and the mark after it are one grapheme, which a map may replace."""
    tokenizer = build_tokenizer(WHITESPACE, character_map(" \u0301", "x"))

    assert tokenizer.normalizer.normalize_str("y \u0301y") == "yxy"
    assert not is_additive(json.loads(tokenizer.to_str()), tokenizer)
