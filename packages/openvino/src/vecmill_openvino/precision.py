"""Precision: the number format to compute in."""

from __future__ import annotations

from vecmill.errors import ConfigError


def resolve(asked: str) -> str:
    """Return ``int8``, ``bf16`` or ``f32`` for what a job asks; ``auto`` is bf16 where the processor has it.

    Raises:
        ConfigError: It cannot be had on this machine.
    """
    if asked == "f32":
        return asked
    from vecmill_openvino.arithmetic import arithmetic

    machine = arithmetic()
    if asked == "bf16" and not machine.bf16:
        raise _missing(asked, machine.processor, "avx512_bf16 or amx_bf16")
    if asked == "int8" and not machine.int8:
        raise _missing(asked, machine.processor, "avx512_vnni, avx_vnni or amx_int8")
    if asked == "int8":
        return asked
    return "bf16" if machine.bf16 else "f32"


def compute_type(precision: str) -> str:
    """Return what the engine computes in; with int8, which is in the graph, this is for all that is not quantized."""
    return resolve("auto") if precision == "int8" else precision


def _missing(asked: str, processor: str, features: str) -> ConfigError:
    return ConfigError(
        f"embedder.precision = {asked!r}, but this processor ({processor}) does not compute in {asked}. "
        f"Take 'auto' or 'f32', or a machine with {features}."
    )
