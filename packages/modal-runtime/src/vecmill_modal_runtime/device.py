"""Device: the GPU that this container got, and which of the image's routers runs on it.

The images choose by a script of their own, which is their entry point. Modal needs the entry point for itself, so the
choice is made here.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from vecmill.errors import EngineError

COMMAND = "text-embeddings-router"
TOOL = "nvidia-smi"
COMPAT = Path("/usr/local/cuda/compat")
"""Where an image has the libraries that let a driver older than its CUDA run it."""
IMAGE_CUDA = (12, 9)
"""The CUDA that the router's images are built with."""
TURING = 75
"""Compute capability of a T4."""
FLASH_ATTENTION = "USE_FLASH_ATTENTION"
ROUTERS = {75: (75, 75), 80: (80, 89), 90: (90, 90), 100: (100, 100), 120: (120, 120)}
"""The routers of the image for all GPUs, by the number in their names: the compute capabilities that each is for."""
TOOL_SECONDS = 60
_DRIVER_CUDA = re.compile(r"CUDA(?: \w+)? Version:\s*(\d+)\.(\d+)")


class Device(NamedTuple):
    """A GPU, as its driver describes it.

    Attributes:
        capability: Its compute capability times ten.
        driver_cuda: The newest CUDA that the driver knows by itself; none where it does not say.
    """

    capability: int
    driver_cuda: tuple[int, int] | None

    def router(self) -> str:
        """Return the name of the router to start: the image's only one, or the one that is built for this GPU.

        Raises:
            EngineError: The image has none for it.
        """
        if shutil.which(COMMAND):
            return COMMAND
        for number, (first, last) in ROUTERS.items():
            if first <= self.capability <= last:
                return f"{COMMAND}-{number}"
        raise EngineError(
            f"no router is built for a GPU of compute capability {self}: name another kind in runtime.gpu"
        )

    def environment(self, variables: dict[str, str]) -> dict[str, str]:
        """Return an image's variables as the router needs them on this GPU.

        On a T4 the router's flash attention is not precise, so the image for it switches it off; the image for all GPUs
        does not know on which it will run.
        """
        changes = {}
        if self.driver_cuda is not None and self.driver_cuda < IMAGE_CUDA and COMPAT.is_dir():
            changes["LD_LIBRARY_PATH"] = ":".join(filter(None, (str(COMPAT), variables.get("LD_LIBRARY_PATH"))))
        if self.capability == TURING:
            changes[FLASH_ATTENTION] = "False"
        return {**variables, **changes}

    def __str__(self) -> str:
        """Say its compute capability as its maker writes it."""
        return f"{self.capability // 10}.{self.capability % 10}"


def find_device() -> Device:
    """Ask the driver which GPU this container has; of several the router takes the first.

    Raises:
        EngineError: There is no driver, or it knows no GPU.
    """
    said = _ask("--query-gpu=compute_cap", "--format=csv,noheader")
    found = re.match(r"(\d+)\.(\d)\b", said.strip())
    if found is None:
        raise EngineError(f"{TOOL} names no GPU in this container, though one was asked for. It says: {said.strip()}")
    driver = _DRIVER_CUDA.search(_ask())
    return Device(int(found[1]) * 10 + int(found[2]), (int(driver[1]), int(driver[2])) if driver is not None else None)


def _ask(*options: str) -> str:
    """Run the driver's tool, and return what it prints."""
    try:
        done = subprocess.run(  # noqa: S603 - our own command line
            (TOOL, *options), capture_output=True, encoding="utf-8", errors="replace", timeout=TOOL_SECONDS, check=False
        )
    except FileNotFoundError:
        raise EngineError(f"there is no {TOOL} in this container, though a GPU was asked for: it has none") from None
    except subprocess.TimeoutExpired:
        raise EngineError(
            f"{TOOL} did not answer in {TOOL_SECONDS} s: the GPU of this container is not usable"
        ) from None
    return done.stdout if done.returncode == 0 else f"{done.stdout}{done.stderr}"
