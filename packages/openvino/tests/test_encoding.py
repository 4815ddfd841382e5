"""Encoding: from texts to finished vectors."""

from __future__ import annotations

import json

import numpy as np
import pytest

from doubles.encoders import POSITIONS, WORDS, token_vectors
from vecmill.errors import EmbedError
from vecmill.models import open_model
from vecmill.models.tokenizer import load_tokenizer
from vecmill_openvino.encoding import Encoding
from vecmill_openvino.graph.architecture import NATIVE

TEXTS = [" ".join(WORDS[start : start + size]) for start, size in ((0, 1), (3, 20), (7, 0), (9, 30), (1, 5), (20, 12))]


def load(folder, batch_tokens=2048):
    """Load a model in float32 with one stream."""
    found = open_model(str(folder), native=NATIVE)
    return Encoding(found, load_tokenizer(found.path), "f32", 1, batch_tokens)


def numpy_vectors(folder, texts):
    """Compute the same in numpy, with the tokenizer's own ids."""
    ids = load_tokenizer(folder).encode(texts)
    return np.array([token_vectors(folder, text).mean(0) for text in ids])


@pytest.mark.parametrize("kind", ["bert", "mpnet", "xlm-roberta"])
def test_vectors_come_in_the_order_of_the_texts(kind, tiny_model):
    """However they are grouped by length; an empty text has one too."""
    folder = tiny_model(kind)
    np.testing.assert_allclose(load(folder).embed(TEXTS), numpy_vectors(folder, TEXTS), atol=2e-5)


@pytest.mark.parametrize("batch_tokens", [1, 32, 64, 100_000])
def test_a_large_call_is_split_without_a_trace(batch_tokens, tiny_model):
    """One text at a time, a few, or all together: the vectors are the same."""
    folder = tiny_model()
    np.testing.assert_allclose(load(folder, batch_tokens).embed(TEXTS), numpy_vectors(folder, TEXTS), atol=2e-5)


def test_no_texts_have_no_vectors(tiny_model):
    """An empty call is not an error."""
    assert load(tiny_model()).embed([]).shape == (0, 16)


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_a_text_over_the_limit_is_cut_before_the_last_special_token(kind, tiny_model):
    """What is left are as many words as fit, and the model's own ending."""
    folder = tiny_model(kind)
    longest = open_model(str(folder)).max_tokens
    assert longest == POSITIONS - 2 * (kind == "roberta")
    words = WORDS[: longest + 5]
    whole, cut = load(folder).embed([" ".join(words), " ".join(words[: longest - 2])])
    np.testing.assert_allclose(whole, cut, atol=1e-6)


def test_a_limit_in_the_models_own_files_is_kept(tiny_model):
    """max_seq_length goes before the number of positions."""
    folder = tiny_model(files={"sentence_bert_config.json": {"max_seq_length": 6}})
    long, short = load(folder).embed(["w1 w2 w3 w4 w5 w6 w7", "w1 w2 w3 w4"])
    np.testing.assert_allclose(long, short, atol=1e-6)


def test_a_token_the_model_does_not_know_fails_its_text(tiny_model):
    """The engine would look it up beyond the end of its table."""
    folder = tiny_model()
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"]["new"] = 64
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    encoding = load(folder)
    with pytest.raises(EmbedError, match="gives token 64, but the model knows 64 tokens only"):
        encoding.embed(["w1", "w2 new"])
    assert encoding.embed(["w1"]).shape == (1, 16)
