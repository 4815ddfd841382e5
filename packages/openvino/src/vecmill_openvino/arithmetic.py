"""Arithmetic: which number formats this machine's processor computes in, and what it is called."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import NamedTuple

import openvino

_TELLING = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
_INT8 = {"avx_vnni", "avx512_vnni", "amx_int8"}


class Arithmetic(NamedTuple):
    """What a processor can do.

    Attributes:
        processor: Its name.
        bf16: Whether it multiplies bfloat16 numbers itself. OpenVINO takes the format on other processors
            too, but gains nothing there.
        features: The instruction sets that matter here, where the system lists them.
    """

    processor: str
    bf16: bool
    features: tuple[str, ...]

    @property
    def int8(self) -> bool:
        """Whether it multiplies 8-bit integers itself, as far as the system tells."""
        return bool(_INT8.intersection(self.features))


@functools.cache
def arithmetic() -> Arithmetic:
    """Ask OpenVINO and the system about this machine."""
    core = openvino.Core()
    # OpenVINO's own choice of format is bf16 exactly where the processor has the instructions
    own_choice = core.get_property("CPU", "INFERENCE_PRECISION_HINT")
    return Arithmetic(
        processor=str(core.get_property("CPU", "FULL_DEVICE_NAME")).strip(),
        bf16=own_choice == openvino.Type.bf16,
        features=_features(Path("/proc/cpuinfo")),
    )


def _features(listing: Path) -> tuple[str, ...]:
    if not listing.is_file():
        return ()
    lines = (
        line.partition(":")[2].split()
        for line in listing.read_text(encoding="utf-8").splitlines()
        if line.startswith("flags")
    )
    flags = set(next(lines, []))
    return tuple(name for name in _TELLING if name in flags)
