"""The graph of a model: from safetensors and from ONNX, its pooling, and its tensors."""

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
from vecmill.models.folder import POOLING
from vecmill_openvino.graph.architecture import NATIVE
from vecmill_openvino.graph.build import Tensors, build_graph, build_observer, pool
from vecmill_openvino.graph.encoder import text_mask

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


WAYS = {
    "cls": lambda x: x[0],
    "lasttoken": lambda x: x[-1],
    "max": lambda x: x.max(0),
    "mean": lambda x: x.mean(0),
    "mean_sqrt_len_tokens": lambda x: x.sum(0) / np.sqrt(len(x)),
    "weightedmean": lambda x: np.average(x, axis=0, weights=np.arange(1, len(x) + 1)),
}
LENGTHS = np.array([7, 1, 4], np.int64)


@pytest.fixture
def tokens():
    """Token vectors, huge where there is padding."""
    x = np.random.default_rng(2).normal(size=(3, 7, 5)).astype(np.float32)
    for row, length in zip(x, LENGTHS, strict=True):
        row[length:] = 1e6
    return x


def test_every_way_a_model_may_ask_for_is_there():
    """What models are allowed to say is what can be done."""
    assert WAYS.keys() == POOLING


@pytest.mark.parametrize("modes", [*((way,) for way in WAYS), ("cls", "mean"), ("max", "lasttoken", "cls")])
def test_padding_has_no_part_in_a_pooled_vector(modes, tokens, compute):
    """Each text is pooled as if it were alone; several ways are put side by side in order."""
    ids = np.ones((3, 7), np.int64)
    found = compute(lambda x, i, n: pool(x, i, text_mask(i, n), n, modes), tokens, ids, LENGTHS)
    alone = [row[:length] for row, length in zip(tokens, LENGTHS, strict=True)]
    expected = [np.concatenate([WAYS[mode](text) for mode in modes]) for text in alone]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


INT64, FLOAT, BOOL = 7, 1, 9
TABLE = np.random.default_rng(8).normal(size=(30, 16)).astype(np.float32)
TYPES = np.random.default_rng(9).normal(size=(2, 16)).astype(np.float32)


def field(number, value):
    """Encode a protobuf field: an int as a varint, a text or message with its length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value):
    """Encode a number in groups of seven bits."""
    head, rest = value & 127, value >> 7
    return bytes([head | 128]) + varint(rest) if rest else bytes([head])


def node(kind, inputs, output, **attributes):
    """Encode an operation with integer attributes."""
    options = (field(5, field(1, name) + field(3, number) + field(20, 2)) for name, number in attributes.items())
    return field(1, b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, kind) + b"".join(options))


def value(name, dtype, *axes):
    """Encode the name and type of an input or output; an axis is a number or a name."""
    shape = b"".join(field(1, field(1, axis) if isinstance(axis, int) else field(2, axis)) for axis in axes)
    return field(1, name) + field(2, field(1, field(1, dtype) + field(2, shape)))


def tensor(name, array):
    """Encode a constant."""
    dtype = {np.dtype(np.float32): FLOAT, np.dtype(np.int64): INT64}[array.dtype]
    return field(
        5, b"".join(field(1, n) for n in array.shape) + field(2, dtype) + field(8, name) + field(9, array.tobytes())
    )


def encoder(output="last_hidden_state", inputs=("input_ids", "attention_mask", "token_type_ids"), rank=3):
    """Encode a graph: word vector, masked, plus the vector of the token's type."""
    nodes = node("Gather", ["table", "input_ids"], "words")
    nodes += node("Cast", ["attention_mask"], "floats", to=FLOAT) + node("Unsqueeze", ["floats", "two"], "mask")
    nodes += node("Mul", ["words", "mask"], "masked") + node("Gather", ["types", "token_type_ids"], "typed")
    nodes += node("Add", ["masked", "typed"], "vectors")
    nodes += (
        node("Identity", ["vectors"], output)
        if rank == 3
        else node("ReduceSum", ["vectors", "two"], output, keepdims=0)
    )
    constants = tensor("table", TABLE) + tensor("types", TYPES) + tensor("two", np.array([2], np.int64))
    ports = b"".join(field(11, value(name, INT64, "batch", "length")) for name in inputs)
    axes = ("batch", "length", 16)[:rank]
    graph = nodes + field(2, "encoder") + constants + ports + field(12, value(output, FLOAT, *axes))
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 17))


@pytest.fixture
def model(tiny_model):
    """Write a model of an architecture that has no graph of ours, with an ONNX file."""

    def write(content):
        folder = tiny_model("bert", model_type="modernbert", vocab_size=30)
        (folder / "onnx").mkdir()
        (folder / "onnx/model.onnx").write_bytes(content)
        return open_model(str(folder), native={"bert"})

    return write


def test_an_onnx_encoder_gets_its_mask_and_types_from_lengths(model):
    """Its token vectors are pooled by us, without the padding."""
    graph = build_graph(model(encoder()))
    assert graph.vocabulary == 30
    compiled = openvino.Core().compile_model(graph.model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    ids = np.array([[4, 5, 6, 7], [8, 9, 1, 1]], np.int64)
    found = compiled({"ids": ids, "lengths": np.array([4, 2], np.int64)})[0]
    expected = [TABLE[[4, 5, 6, 7]].mean(0) + TYPES[0], TABLE[[8, 9]].mean(0) + TYPES[0]]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_token_vectors_are_found_under_another_name(model):
    """By their three axes."""
    assert build_graph(model(encoder(output="some_output"))).model.output(0).partial_shape.rank.get_length() == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a graph", "cannot be read"),
        (
            encoder(inputs=("input_ids", "attention_mask", "token_type_ids", "pixel_values")),
            "wants the input 'pixel_values'",
        ),
        (encoder(output="sentence_embedding", rank=2), "gives no token vectors"),
    ],
)
def test_a_graph_that_cannot_be_used_is_refused(content, message, model):
    """Damaged, of another kind, or pooled already in its own way."""
    with pytest.raises(ModelError, match=message):
        build_graph(model(content))


def test_an_onnx_graph_is_not_calibrated(model):
    """int8 needs layers that are known one by one; the message says what to take."""
    with pytest.raises(ModelError, match="ONNX graph, and int8 needs safetensors"):
        build_observer(model(encoder()))


def write(path, **tensors):
    """Write raw tensors: dtype's name, shape and bytes of each."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    body = b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)
    return path


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_float_format_of_numpy_becomes_float32(dtype, tmp_path):
    """With its values, and also where the file's bytes are not aligned."""
    values = np.random.default_rng(4).normal(size=(3, 5)).astype(dtype)
    save_file({"a": np.ones(1, np.int8), "b": values}, tmp_path / "m.safetensors")
    found = Tensors([tmp_path / "m.safetensors"]).take("b")
    assert found.dtype == np.float32
    assert np.array_equal(found, values.astype(np.float32))


def test_bfloat16_is_read_though_numpy_has_no_such_type(tmp_path):
    """It is the upper half of a float32, so every value is exact."""
    values = np.array([[1.5, -2.0, 3.140625], [0.0, -np.inf, 1e-38]], np.float32)
    upper = (values.view(np.uint32) >> 16).astype(np.uint16)
    path = write(tmp_path / "m.safetensors", a=("BF16", [2, 3], upper.tobytes()))
    expected = (upper.astype(np.uint32) << 16).view(np.float32)
    assert np.array_equal(Tensors([path]).take("a"), expected)


def test_several_files_are_one_set_and_integers_are_left_out(tmp_path):
    """Shards add up; buffers such as position ids are no weights."""
    save_file({"a": np.ones(2, np.float32), "ids": np.arange(3)}, tmp_path / "1")
    save_file({"b": np.ones(2, np.float32)}, tmp_path / "2")
    tensors = Tensors([tmp_path / "1", tmp_path / "2"])
    assert tensors.list_unused() == ["a", "b"]
    tensors.take("a")
    assert tensors.list_unused() == ["b"]
    assert "ids" not in tensors


def test_layer_norms_of_old_checkpoints_are_found_under_their_new_names(tmp_path):
    """Google's first models call weight and bias gamma and beta."""
    save_file({"x.LayerNorm.gamma": np.ones(2, np.float32), "x.LayerNorm.beta": np.ones(2, np.float32)}, tmp_path / "m")
    assert Tensors([tmp_path / "m"]).list_unused() == ["x.LayerNorm.bias", "x.LayerNorm.weight"]


def test_a_missing_tensor_is_named(tmp_path):
    """Weights that are not what config.json says."""
    save_file({"a": np.ones(2, np.float32)}, tmp_path / "m")
    with pytest.raises(ModelError, match="the weights lack b"):
        Tensors([tmp_path / "m"]).take("b")


@pytest.mark.parametrize("damage", [b"", b"version https://git-lfs.github.com/spec/v1", None])
def test_a_damaged_file_is_refused(damage, tmp_path):
    """Empty, a pointer instead of the file, or cut short."""
    path = write(tmp_path / "m.safetensors", a=("F32", [4], bytes(16)))
    path.write_bytes(path.read_bytes()[:-3] if damage is None else damage)
    with pytest.raises(ModelError, match=r"m\.safetensors is damaged: .*get the model's files again"):
        Tensors([path])
