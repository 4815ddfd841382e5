"""The model's tokenizer: counts are those of Hugging Face's tokenizers, on every input."""

from __future__ import annotations

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from vecmill.errors import ModelError
from vecmill.models.tokenizer import load_tokenizer
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
def test_offsets_are_one_place_per_token(both, text):
    """``offsets`` has a row for each counted token, in order and within the text."""
    tokenizer, _ = both

    places = tokenizer.offsets(text)

    assert places.shape == (tokenizer.count([text])[0], 2)
    assert (places >= 0).all()
    assert (places <= len(text)).all()
    assert (np.diff(places[:, 0]) >= 0).all()


@pytest.mark.parametrize("both", ADDITIVE, indirect=True)
@given(pieces=st.lists(TEXTS, min_size=2, max_size=4), space=st.text(" \t\r\n", min_size=1, max_size=3))
def test_additive_means_that_counts_add_up(both, pieces, space):
    """Splitting at whitespace first, as BERT and XLM-R do: pieces have together the tokens of the whole."""
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
