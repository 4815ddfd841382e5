"""The embedding model as files: what it is, how it pools, how it counts tokens. This is public, for engines.

Each name is imported when it is first used, so ``tokenizers`` is loaded only where it is needed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vecmill.models.folder import Dense, ModelFolder, Pipeline, Prompts
    from vecmill.models.model_files import (
        INNER,
        LAYERS,
        OFFSET_POSITIONS,
        SAFETENSORS,
        WIDTH,
        flop_per_token,
        padding_token,
        sentence_settings,
    )
    from vecmill.models.reference import describe_model, fetch_model, find_folder, open_model
    from vecmill.models.tokenizer import load_tokenizer

_HOMES = {
    "folder": ("Dense", "ModelFolder", "Pipeline", "Prompts"),
    "model_files": (
        "INNER",
        "LAYERS",
        "OFFSET_POSITIONS",
        "SAFETENSORS",
        "WIDTH",
        "flop_per_token",
        "padding_token",
        "sentence_settings",
    ),
    "reference": ("describe_model", "fetch_model", "find_folder", "open_model"),
    "tokenizer": ("load_tokenizer",),
}

__all__ = [
    "INNER",
    "LAYERS",
    "OFFSET_POSITIONS",
    "SAFETENSORS",
    "WIDTH",
    "Dense",
    "ModelFolder",
    "Pipeline",
    "Prompts",
    "describe_model",
    "fetch_model",
    "find_folder",
    "flop_per_token",
    "load_tokenizer",
    "open_model",
    "padding_token",
    "sentence_settings",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - each name has its own type, stated above for type checkers
    """Import a public name when it is first used."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, imported or not, and nothing else."""
    return list(__all__)
