"""Opening a model: from what the job names to a folder with the right files in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vecmill.errors import ConfigError, ModelError
from vecmill.models.folder import describe
from vecmill.models.hub import fetch
from vecmill.models.reference import find_folder
from vecmill.models.settings import record_reads
from vecmill.models.weights import INDEX, ONNX, SAFETENSORS, SHARDS, digest, hash_file, onnx_files, safetensors_files

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from vecmill.models.folder import ModelFolder

_DIGEST = "sha256:"
_SETTINGS = (
    "*/config.json",
    "0_*/*.json",
    "config.json",
    "config_sentence_transformers.json",
    "modules.json",
    "sentence_*_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
)


def open_model(model: str, revision: str | None = None, native: Collection[str] | None = None) -> ModelFolder:
    """Find a model's files, downloading what is not there, and read what they say.

    Args:
        model: A Hub id, a folder, or ``package:NAME/path``.
        revision: On the Hub a branch, tag or commit; for a folder the ``sha256:…`` its weights must have.
        native: The architectures the caller runs from safetensors. Of any other the ONNX file is taken.
            ``None`` if the caller does not load weights: then none are downloaded.

    Raises:
        ConfigError: ``model`` or ``revision`` cannot be a model's name or revision.
        ModelError: The model is not there, damaged, or not a text embedder.
    """
    folder = find_folder(model)
    if folder is not None:
        found = describe(model, folder)
        found = _with_weights(found, native)
        return replace(found, revision=_check_pin(model, revision, digest(found.weights)))
    if revision and revision.startswith(_DIGEST):
        raise ConfigError(
            f"revision {revision!r} is for a folder, but {model!r} is a Hub id: name a branch, tag or commit."
        )
    found = _describe_on_hub(model, revision)
    if native is None:
        return found
    fetch(model, found.revision, _weight_patterns(found, native))
    found = _with_weights(found, native)
    return found.with_files({path: hash_file(path) for path in found.weights})


def describe_model(model: str, revision: str | None = None) -> ModelFolder:
    """Find a model and read what its files say, whatever its weights are: neither they nor a pin of them is looked at.

    Args:
        model: A Hub id, a folder, or ``package:NAME/path``.
        revision: On the Hub a branch, tag or commit.

    Raises:
        ConfigError: ``model`` cannot be a model's name.
        ModelError: The model is not there, damaged, or not a text embedder.
    """
    folder = find_folder(model)
    return _describe_on_hub(model, revision) if folder is None else describe(model, folder)


def _describe_on_hub(model: str, revision: str | None) -> ModelFolder:
    root = fetch(model, revision, _SETTINGS)
    return replace(describe(model, root), revision=root.name)


def _with_weights(found: ModelFolder, native: Collection[str] | None) -> ModelFolder:
    with record_reads() as reads:
        weights = _choose(found, native)
    return replace(found, weights=weights).with_files(reads)


def _weight_patterns(found: ModelFolder, native: Collection[str]) -> list[str]:
    inside = found.pipeline.transformer and f"{found.pipeline.transformer}/"
    names = (SAFETENSORS, INDEX, SHARDS) if found.kind in native else tuple(f"{name}*" for name in ONNX)
    dense = [f"{dense.folder}/{SAFETENSORS}" for dense in found.pipeline.dense]
    return [*(inside + name for name in names), *dense]


def _choose(found: ModelFolder, native: Collection[str] | None) -> tuple[Path, ...]:
    """Return the weight files: of the transformer from safetensors or ONNX, and of the layers after it."""
    safe = safetensors_files(found.path) if native is None or found.kind in native else []
    files = safe or onnx_files(found.path)
    if not files:
        raise ModelError(_nothing_to_run(found, native))
    heads = [found.root / dense.folder / SAFETENSORS for dense in found.pipeline.dense]
    for path in heads:
        if not path.is_file():
            raise ModelError(f"{found.id!r} lacks {path}; pickled weights are never loaded. Name another model.")
    return (*files, *heads)


def _nothing_to_run(found: ModelFolder, native: Collection[str] | None) -> str:
    if native is None or found.kind in native:
        return (
            f"{found.id!r} holds no weights: there is no model.safetensors in {found.path}, and pickled ones "
            "(.bin, .pt) are never loaded. Name a model or revision with safetensors."
        )
    why = "brings code of its own" if found.config.get("auto_map") else f"is a {found.kind!r} model"
    return (
        f"{found.id!r} {why} and has no onnx/model.onnx. Without one these can be run: {', '.join(sorted(native))}. "
        "Name another model, or export this one to ONNX."
    )


def _check_pin(model: str, pinned: str | None, found: str) -> str:
    if pinned is not None and not pinned.startswith(_DIGEST):
        raise ConfigError(
            f"revision {pinned!r} cannot be of the folder {model!r}: give its digest, {found!r}, or none."
        )
    if pinned not in {None, found}:
        raise ModelError(
            f"The weights of {model!r} are not the ones the job asks for: expected {pinned}, found {found}. "
            "Get the right files, or correct the revision."
        )
    return found
