"""Precision: the number formats that this machine's processor computes in, and the one that a job gets."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import NamedTuple

from vecmill.errors import ConfigError

_FEATURES = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
_INT8 = {"avx_vnni", "avx512_vnni", "amx_int8"}


class Processor(NamedTuple):
    """A processor, and the number formats that it computes in.

    Attributes:
        name: Its name.
        bf16: Whether it multiplies bfloat16 numbers itself. OpenVINO takes the format on other processors
            too, but gains nothing there.
        features: The instruction sets that matter here, where the system lists them.
    """

    name: str
    bf16: bool
    features: tuple[str, ...]

    @property
    def int8(self) -> bool:
        """Whether it multiplies 8-bit integers itself, according to its instruction sets."""
        return bool(_INT8.intersection(self.features))


@functools.cache
def detect_processor() -> Processor:
    """Ask OpenVINO and the system about this machine's processor."""
    import openvino

    core = openvino.Core()
    # OpenVINO's choice of format is bf16 exactly where the processor has the instructions
    default = core.get_property("CPU", "INFERENCE_PRECISION_HINT")
    return Processor(
        name=str(core.get_property("CPU", "FULL_DEVICE_NAME")).strip(),
        bf16=default == openvino.Type.bf16,
        features=_read_features(Path("/proc/cpuinfo")),
    )


def _read_features(listing: Path) -> tuple[str, ...]:
    if not listing.is_file():
        return ()
    lines = (
        line.partition(":")[2].split()
        for line in listing.read_text(encoding="utf-8").splitlines()
        if line.startswith("flags")
    )
    flags = set(next(lines, []))
    return tuple(name for name in _FEATURES if name in flags)


def resolve_precision(precision: str) -> str:
    """Return ``int8``, ``bf16`` or ``f32`` for what a job asks; ``auto`` is bf16 where the processor has it.

    Raises:
        ConfigError: This machine's processor does not compute in it.
    """
    if precision == "f32":
        return precision
    processor = detect_processor()
    if precision == "bf16" and not processor.bf16:
        raise _missing_error(precision, processor.name, "avx512_bf16 or amx_bf16")
    if precision == "int8" and not processor.int8:
        raise _missing_error(precision, processor.name, "avx512_vnni, avx_vnni or amx_int8")
    if precision == "int8":
        return precision
    return "bf16" if processor.bf16 else "f32"


def compute_type(precision: str) -> str:
    """Return the format of all that is not quantized; int8 is part of the graph."""
    return resolve_precision("auto") if precision == "int8" else precision


def _missing_error(precision: str, processor: str, features: str) -> ConfigError:
    return ConfigError(
        f"embedder.precision = {precision!r}, but this processor ({processor}) does not compute in {precision}: "
        f"take 'auto' or 'f32', or a machine with {features}"
    )
