"""Precision: the number format to compute in."""

from __future__ import annotations

from vecmill.errors import ConfigError


def resolve(asked: str) -> str:
    """Return ``bf16`` or ``f32`` for what a job asks; ``auto`` is bf16 where the processor has it.

    Raises:
        ConfigError: It cannot be had on this machine.
    """
    if asked == "f32":
        return asked
    if asked == "int8":
        raise ConfigError("embedder.precision = 'int8' is not available yet. Take 'auto', 'bf16' or 'f32'.")
    from vecmill_local_runtime.arithmetic import arithmetic

    machine = arithmetic()
    if asked == "bf16" and not machine.bf16:
        raise ConfigError(
            f"embedder.precision = 'bf16', but this processor ({machine.processor}) does not compute in bf16. "
            "Take 'auto' or 'f32', or a machine with avx512_bf16 or amx_bf16."
        )
    return "bf16" if machine.bf16 else "f32"
