"""What a job file can say of this machine."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from vecmill.protocols import Options


class LocalOptions(Options):
    """How to use this machine.

    Attributes:
        workers: Processes; by default one for every eight processors. A worker's engine uses all the
            processors of its share, so more workers seldom mean more speed, but always more memory.
        attempts: How often a shard is tried before it counts as failed.
    """

    workers: int | None = Field(None, ge=1)
    attempts: int = Field(3, ge=1)


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
