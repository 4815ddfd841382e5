"""build_graph: every architecture against plain numpy, and weights that do not fit."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import openvino
import pytest
from safetensors.numpy import load_file, save_file

from doubles.encoders import HIDDEN, PADDING, SPECIALS, WORDS, token_vectors
from vecmill.errors import ModelError
from vecmill.models import open_model
from vecmill_openvino.graph.architecture import NATIVE
from vecmill_openvino.graph.build import build_graph

TEXTS = [[0, 5, 6, 7, 2], [0, 2], [0, 9, PADDING, 11, 2], [0, *range(10, 45), 2], [0, 63, 2]]


def run(folder, texts=TEXTS):
    """Return the pooled vectors of a model in float32, and its vocabulary."""
    graph = build_graph(open_model(str(folder), native=NATIVE))
    compiled = openvino.Core().compile_model(graph.model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    ids = np.full((len(texts), max(map(len, texts))), PADDING, np.int64)
    for row, text in zip(ids, texts, strict=True):
        row[: len(text)] = text
    return compiled({"ids": ids, "lengths": np.array([len(text) for text in texts], np.int64)})[0], graph.vocabulary


def rewrite(folder, change):
    """Change a model's tensors."""
    tensors: dict[str, Any] = load_file(folder / "model.safetensors")
    save_file(change(tensors), folder / "model.safetensors")
    return folder


@pytest.mark.parametrize("kind", sorted(NATIVE))
def test_every_architecture_computes_what_its_definition_says(kind, tiny_model):
    """Padded together, texts of all lengths get the mean of the token vectors they have alone."""
    folder = tiny_model(kind)
    found, vocabulary = run(folder)
    expected = [token_vectors(folder, text).mean(0) for text in TEXTS]
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert vocabulary == len(SPECIALS) + len(WORDS)


def test_heads_for_other_tasks_are_left_out(tiny_model):
    """A checkpoint of a masked language model has the encoder under a prefix, and other layers."""
    plain, _ = run(tiny_model())
    prefixed = rewrite(
        tiny_model(),
        lambda tensors: (
            {"cls.predictions.bias": np.zeros(3, np.float32)} | {f"bert.{k}": v for k, v in tensors.items()}
        ),
    )
    found, _ = run(prefixed)
    assert np.array_equal(found, plain)


def test_pooler_and_buffers_are_left_out(tiny_model):
    """What every BERT has and no sentence embedding uses."""
    extra = {"pooler.dense.weight": np.zeros((2, 2), np.float32), "embeddings.position_ids": np.zeros(4, np.float32)}
    plain, _ = run(tiny_model())
    found, _ = run(rewrite(tiny_model(), lambda tensors: tensors | extra))
    assert np.array_equal(found, plain)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t | {"encoder.layer.0.attention.rotary.weight": np.ones(3, np.float32)}, "weights hold .*rotary"),
        (lambda t: {k: v for k, v in t.items() if "layer.1.output.dense.bias" not in k}, "lack encoder.layer.1.output"),
        (lambda t: {k: v[:, :3].copy() if "intermediate.dense.weight" in k else v for k, v in t.items()}, "do not fit"),
        (lambda t: {k: v for k, v in t.items() if k == "embeddings.LayerNorm.bias"}, "lack embeddings.word_embeddings"),
    ],
)
def test_weights_that_are_not_what_the_settings_say_are_refused(change, message, tiny_model):
    """A variant with parts of its own, a missing part, another shape: never other vectors in silence."""
    with pytest.raises(ModelError, match=message):
        run(rewrite(tiny_model(), change))


def test_more_layers_than_the_settings_say_are_refused(tiny_model):
    """They would be left out."""
    with pytest.raises(ModelError, match=r"weights hold encoder\.layer\.1"):
        run(tiny_model(num_hidden_layers=1))


def test_pooling_comes_from_the_models_own_files(tiny_model):
    """A model saved with CLS pooling gives its first token's vector."""
    modules = [
        {"path": "", "type": "sentence_transformers.models.Transformer"},
        {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    folder = tiny_model(files={"modules.json": modules, "1_Pooling/config.json": {"pooling_mode": "cls"}})
    found, _ = run(folder)
    np.testing.assert_allclose(found, [token_vectors(folder, text)[0] for text in TEXTS], atol=2e-5)
    assert found.shape == (len(TEXTS), HIDDEN)
    assert json.loads((folder / "config.json").read_text())["model_type"] == "bert"
