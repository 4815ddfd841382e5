"""ONNX: an encoder's own graph, fed with ids and lengths. The files are written here byte by byte."""

from __future__ import annotations

import numpy as np
import openvino
import pytest

from vecmill.errors import ModelError
from vecmill.models import open_model
from vecmill_openvino.graph.build import build_graph, build_observer

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
