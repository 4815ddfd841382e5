"""Job files: any bytes are a job, or are refused with a message. After each NUL comes a ``--set``."""

from __future__ import annotations

import tempfile
from pathlib import Path

from vecmill import Job
from vecmill.errors import VecmillError
from vecmill.plugins import load
from vecmill.plugins.registry import validate_options


def check(data: bytes) -> None:
    """Load a job, and let every component that it names check its options."""
    text, *overrides = data.split(b"\0")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "job.toml"
        path.write_bytes(text)
        try:
            _check_options(Job.load(path, [override.decode("utf-8", "replace") for override in overrides]))
        except VecmillError as error:
            assert str(error).strip()


def _check_options(job: Job) -> None:
    registry = load().registry
    parts = {kind: getattr(job, kind) for kind in ("source", "chunker", "batching", "embedder", "runtime")}
    for kind, spec in [*parts.items(), *(("publisher", spec) for spec in job.publish)]:
        validate_options(registry.get(kind, spec.name), kind, spec.options).model_dump_json()
