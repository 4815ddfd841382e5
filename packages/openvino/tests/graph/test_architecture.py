"""read_architecture: shapes from config.json."""

from __future__ import annotations

import pytest

from vecmill.errors import ModelError
from vecmill_openvino.graph.architecture import read_architecture

BERT = {"model_type": "bert", "hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 3}


def test_distilbert_calls_everything_something_else():
    """The same shape under its own keys."""
    distil = {"model_type": "distilbert", "dim": 8, "n_heads": 2, "n_layers": 3, "activation": "relu"}
    found = read_architecture(distil)
    assert (found.hidden, found.heads, found.layers, found.activation) == (8, 2, 3, "relu")
    assert found.padding is None


def test_positions_of_the_roberta_family_start_after_the_padding_token():
    """For bert they start at 0."""
    assert read_architecture(BERT).padding is None
    assert read_architecture(BERT | {"model_type": "xlm-roberta"}).padding == 1
    assert read_architecture(BERT | {"model_type": "roberta", "pad_token_id": 5}).padding == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"position_embedding_type": "relative_key"}, "'relative_key' positions"),
        ({"is_decoder": True}, "decoder"),
        ({"num_attention_heads": None}, "lacks"),
    ],
)
def test_variants_that_would_give_other_vectors_are_refused(change, message):
    """An option that is not known here is not left out in silence."""
    with pytest.raises(ModelError, match=message):
        read_architecture(BERT | change)


def test_a_missing_number_is_named():
    """The message names the damaged setting by its key."""
    with pytest.raises(ModelError, match="lacks 'num_hidden_layers'"):
        read_architecture({key: value for key, value in BERT.items() if key != "num_hidden_layers"})
