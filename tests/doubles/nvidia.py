"""A stand-in for ``nvidia-smi``: it names one GPU by its compute capability, and the driver's CUDA."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = "nvidia-smi"
SCRIPT = """#!/bin/sh
case "$*" in
    "--query-gpu=compute_cap --format=csv,noheader") echo "{capability}" ;;
    "") echo "| NVIDIA-SMI 580.95.05      Driver Version: 580.95.05      CUDA Version: {cuda} |" ;;
    *) echo "nvidia-smi: invalid option: $*"; exit 2 ;;
esac
"""


def install(folder: Path, capability: int, cuda: str = "13.0") -> Path:
    """Write the stand-in as an executable into a folder, for a ``PATH``.

    Args:
        folder: Where to.
        capability: The GPU's compute capability times ten.
        cuda: What the driver knows by itself.
    """
    command = folder / COMMAND
    command.write_text(SCRIPT.format(capability=f"{capability // 10}.{capability % 10}", cuda=cuda))
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return command
