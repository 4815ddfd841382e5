"""The weights of a model: the files that hold its numbers, their digest, and what they cost to use."""

from __future__ import annotations

import functools
import hashlib
import mmap
import re
from typing import TYPE_CHECKING, Any

from vecmill.errors import ModelError
from vecmill.inside import is_inside
from vecmill.models.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from vecmill.models.folder import ModelFolder


SAFETENSORS = "model.safetensors"
INDEX = "model.safetensors.index.json"
SHARDS = "model-*-of-*.safetensors"
ONNX = ("onnx/model.onnx", "model.onnx")

_LOCATION = re.compile(rb"\x0a\x08location\x12([\x01-\x7f])")
"""How an ONNX file writes the key before the name of a file with external data; the name's length is a byte."""

_MEBIBYTE = 1 << 20


def safetensors_files(folder: Path) -> list[Path]:
    """Return the safetensors files of a transformer: one, or the shards its index names, or none.

    Raises:
        ModelError: The index names a file that is not there, or not in the folder.
    """
    if (folder / SAFETENSORS).is_file():
        return [folder / SAFETENSORS]
    index = read_settings(folder / INDEX, dict) or {}
    names = sorted({str(name) for name in dict(index.get("weight_map") or {}).values()})
    if outside := [name for name in names if not is_inside(name)]:
        raise ModelError(f"{folder / INDEX} names {outside[0]!r}, which is not in the model's folder")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ModelError(f"{folder} lacks the weights {missing[0]}, which {INDEX} names: get the model's files again")
    return [folder / name for name in names]


def onnx_files(folder: Path) -> list[Path]:
    """Return a model's ONNX file, followed by its external data if it has any; or nothing.

    Raises:
        ModelError: The file names data that is not there, or not in its folder.
    """
    for name in ONNX:
        path = folder / name
        if path.is_file():
            return [path, *sorted({*path.parent.glob(f"{path.name}_data*"), *_external_data(path)})]
    return []


def _external_data(path: Path) -> Iterator[Path]:
    """Yield the files next to an ONNX file that hold its numbers, as it names them."""
    if not path.stat().st_size:  # which cannot be mapped
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        names = {content[at.end() : at.end() + at[1][0]].decode(errors="replace") for at in _LOCATION.finditer(content)}
    for name in sorted(names):
        if not is_inside(name) or not (path.parent / name).is_file():
            raise ModelError(f"{path} lacks its data {name!r}, or it is not in its folder: get the model's files again")
        yield path.parent / name


def digest(files: Sequence[Path]) -> str:
    """Return ``sha256:…`` over the content of the files, one after the other in the order given."""
    return f"sha256:{_sha256(tuple((path, *_stamp(path)) for path in files))}"


def hash_file(path: Path) -> str:
    """Return the sha256 of a file, in hex."""
    return _sha256(((path, *_stamp(path)),))


def _stamp(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns


@functools.lru_cache
def _sha256(files: tuple[tuple[Any, ...], ...]) -> str:
    total = hashlib.sha256()
    for path, *_ in files:
        with path.open("rb") as stream:
            while block := stream.read(_MEBIBYTE):
                total.update(block)
    return total.hexdigest()


LAYERS = ("num_hidden_layers", "n_layers", "num_layers")
WIDTH = ("hidden_size", "dim", "d_model")
INNER = ("intermediate_size", "hidden_dim", "d_ff")


def flop_per_token(model: ModelFolder, length: float) -> float:
    """Return the floating-point operations for one token of a text of ``length`` tokens.

    Two for each weight that the token meets, and the attention's products with every other token. Embedding
    tables cost nothing.
    """
    layers, width = _number(model.config, LAYERS), _number(model.config, WIDTH)
    inner = _number(model.config, INNER) or 4 * width
    weights = 4 * width * width + 2 * width * inner
    return float(layers * (2 * weights + 4 * width * length))


def _number(config: dict[str, Any], names: tuple[str, ...]) -> int:
    return next((int(config[name]) for name in names if isinstance(config.get(name), int)), 0)
