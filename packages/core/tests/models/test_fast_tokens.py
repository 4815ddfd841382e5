"""Counting with tokie: only where it agrees."""

from __future__ import annotations

import sys
from itertools import chain

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from vecmill.models.fast_tokens import ExactCounter, TokieCounter, fast_counter
from vecmill.models.tokenizer import load_tokenizer
from vecmill.testing import AWKWARD_TEXTS

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
    return made(tokenizer_folders["bert"], exact)


def made(folder, exact):
    """Return the fast counter for a folder's tokenizer, if there is one."""
    return fast_counter(folder / "tokenizer.json", orjson.loads(exact.to_str()), exact)


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
    """Words at the limit of a hundred characters tell one that has another limit."""
    liar = TokieCounter(Liar(exact, ["a" * 101]), exact, [])

    assert liar.agrees(["a" * 100, "a" * 101]).tolist() == [True, False]


@pytest.mark.parametrize("kind", ["xlmr", "t5", "bpe", "gpt"])
def test_other_kinds_have_no_fast_counter(tokenizer_folders, kind):
    """Only BERT's way of splitting is known to depend on single characters."""
    folder = tokenizer_folders[kind]

    assert made(folder, Tokenizer.from_file(str(folder / "tokenizer.json"))) is None


def test_without_tokie_counts_are_the_same(tokenizer_folders, exact, monkeypatch):
    """The library is optional: nothing but speed depends on it."""
    monkeypatch.setitem(sys.modules, "tokie", None)

    tokenizer = load_tokenizer(tokenizer_folders["bert"])

    assert tokenizer.count(AWKWARD_TEXTS).tolist() == ExactCounter(exact).count(AWKWARD_TEXTS).tolist()
