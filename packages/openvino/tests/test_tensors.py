"""Tensors: what safetensors files hold, as float32."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from vecmill.errors import ModelError
from vecmill_openvino.tensors import Tensors


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
