"""What a job file can say of the engine."""

from __future__ import annotations

from typing import Literal

from vecmill.protocols import Options


class OpenVinoOptions(Options):
    """Which model, and how to compute.

    Attributes:
        model: A Hub id, a folder, or ``package:NAME/path`` for a folder in an installed Python package.
        revision: On the Hub a branch, tag or commit; for a folder the ``sha256:…`` its weights must have.
        precision: ``bf16`` is two to three times as fast as ``f32`` on a processor that has it, and its
            vectors point the same way to within a cosine of 0.9999, in prose and code. ``auto`` takes it there, else
            ``f32``. ``int8`` multiplies 8-bit integers: to within 0.99, for models with safetensors.
        prompt: Put in front of every document; by default what the model's own files say.
    """

    model: str
    revision: str | None = None
    precision: Literal["auto", "bf16", "f32", "int8"] = "auto"
    prompt: str | None = None
