"""The tensors of a model: its numbers, by name, from safetensors files."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open

from vecmill.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import numpy.typing as npt

_FLOATS = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16}
_OLD_NAMES = {".gamma": ".weight", ".beta": ".bias"}  # of a layer norm, in checkpoints that began in TensorFlow
_BF16_SHIFT = 16


class Tensors:
    """The floating-point tensors of some files, and which of them were taken.

    Args:
        files: Safetensors files.

    Raises:
        ModelError: A file is damaged.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self._stored = {name: tensor for path in files for name, tensor in _read(path)}
        self._taken: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._stored

    def take(self, name: str) -> npt.NDArray[np.float32]:
        """Return a tensor as float32.

        Raises:
            ModelError: There is none of that name.
        """
        if name not in self._stored:
            raise ModelError(
                f"the weights lack {name}: they are damaged, or of another architecture than config.json says"
            )
        self._taken.add(name)
        stored = self._stored[name]
        if stored.dtype == np.uint16:  # bfloat16 is the upper half of a float32
            return (stored.astype(np.uint32) << _BF16_SHIFT).view(np.float32)
        return stored.astype(np.float32, copy=False)

    def list_unused(self) -> list[str]:
        """Return the names of the tensors that were not taken, sorted."""
        return sorted(self._stored.keys() - self._taken)


def _read(path: Path) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
    """Yield the float tensors of a file as views of it: nothing is read before it is used."""
    try:
        with safe_open(path, "numpy"):  # checks that header and file agree
            pass
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is damaged: {error}: get the model's files again") from error
    raw = np.memmap(path, np.uint8, "r")
    start = 8 + int.from_bytes(raw[:8].tobytes(), "little")
    for name, entry in json.loads(raw[8:start].tobytes()).items():
        dtype = _FLOATS.get(entry.get("dtype", ""))
        if dtype is not None:
            first, last = entry["data_offsets"]
            shape = entry["shape"] if math.prod(entry["shape"]) else (0,)
            yield _modern(name), raw[start + first : start + last].view(dtype).reshape(shape)


def _modern(name: str) -> str:
    for old, new in _OLD_NAMES.items():
        if name.endswith(f"LayerNorm{old}"):
            return name.removesuffix(old) + new
    return name
