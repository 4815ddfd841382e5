"""The reference of a model in a job: a folder, a package or a Hub id, and the files that it names at one revision."""

from __future__ import annotations

import importlib.util
import re
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vecmill.errors import ConfigError, ModelError
from vecmill.models.folder import describe_folder
from vecmill.models.model_files import (
    INDEX,
    ONNX,
    SAFETENSORS,
    SHARDS,
    digest,
    hash_file,
    onnx_files,
    record_reads,
    safetensors_files,
)
from vecmill.sanitize import expand_path, is_inside

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from vecmill.models.folder import ModelFolder


_REF = re.compile(r"(?![/-])(?!.*(?:\.\.|//|@\{))[^\x00-\x20\x7f~^:?*\[\\]{1,255}(?<![/.])")
"""What git takes for the name of a branch or a tag. A client may make a path of it, so no other text is passed on."""


def fetch_model(repo: str, revision: str | None, patterns: Sequence[str]) -> Path:
    """Download the files of a model that match ``patterns``, or find them in the cache.

    A revision is resolved to a commit first, and every file is of that commit. What the cache holds is not
    requested again, so a commit that was downloaded before works offline; so does a branch, at the commit
    it had then, if the Hub cannot be reached.

    Args:
        repo: ``user/name``.
        revision: A branch, tag or commit; by default the main branch.
        patterns: Shell patterns of paths in the repository.

    Returns:
        The folder of the snapshot, named after the commit sha.

    Raises:
        ModelError: No such model or revision, no access, or no connection.
    """
    from huggingface_hub import snapshot_download

    if revision is not None and not _REF.fullmatch(revision):
        raise ModelError(_no_revision(repo, revision))
    with _translate_errors(repo, revision):
        return Path(snapshot_download(repo, revision=revision, allow_patterns=list(patterns)))


def _no_revision(repo: str, revision: str | None) -> str:
    return f"the model {repo!r} has no revision {revision!r}: name a branch, a tag or a commit"


class _Anonymity:
    """How many blocks of this process ask the Hub without a token, and what was set before the first of them."""

    lock = threading.Lock()
    blocks = 0
    before = False


@contextmanager
def without_token() -> Iterator[None]:
    """Have the Hub asked without the user's token, by vecmill and by any library of this process, while this lasts.

    For models that the user has not named: a stranger's choice is fetched as anyone could fetch it. Blocks of several
    threads may overlap: the token comes back when the last of them ends.
    """
    from huggingface_hub import constants

    with _Anonymity.lock:
        if not _Anonymity.blocks:
            _Anonymity.before = constants.HF_HUB_DISABLE_IMPLICIT_TOKEN
        _Anonymity.blocks += 1
        constants.HF_HUB_DISABLE_IMPLICIT_TOKEN = True
    try:
        yield
    finally:
        with _Anonymity.lock:
            _Anonymity.blocks -= 1
            if not _Anonymity.blocks:
                constants.HF_HUB_DISABLE_IMPLICIT_TOKEN = _Anonymity.before


@contextmanager
def _translate_errors(repo: str, revision: str | None) -> Iterator[None]:
    """Make the Hub client's errors one ModelError that says what to do."""
    from huggingface_hub import errors

    from vecmill.files.hub_repo import describe_unusable_home

    login = "log in with `hf auth login` or set HF_TOKEN"
    try:
        yield
    except errors.GatedRepoError as error:
        raise ModelError(f"the model {repo!r} is gated: accept its terms on its page, then {login}") from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise ModelError(
            f"there is no model {repo!r}: no folder of that name here, and none on the Hub that you may read: "
            f"check the name; if it is private, {login}"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(_no_revision(repo, revision)) from error
    except errors.LocalEntryNotFoundError as error:
        at = f" at revision {revision!r}" if revision else ""
        raise ModelError(
            f"the Hub cannot be reached, and the cache does not hold all of {repo!r}{at}: connect (or unset "
            "HF_HUB_OFFLINE) and run again, or name a folder that holds the model"
        ) from error
    except Exception as error:  # errors of the HTTP library: which one that is depends on the client's version
        if problem := describe_unusable_home(error):
            raise ModelError(f"the model {repo!r} could not be downloaded: {problem}") from error
        why = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelError(f"the model {repo!r} could not be downloaded: {why}: run again") from error


PACKAGE = "package:"
_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)
_LOOKS_LIKE_A_PATH = re.compile(r"[.~]?[/\\]|~|\.\.|[A-Za-z]:[/\\]")


def find_folder(model: str) -> Path | None:
    """Return the folder on this machine that ``model`` names, or ``None`` if it is a Hub id.

    Args:
        model: A Hub id (``BAAI/bge-small-en-v1.5``), a folder, or ``package:NAME/path``, a folder inside an
            installed Python package; the package is found, but none of its code is run. A folder that
            exists goes before a Hub id of the same name.

    Raises:
        ConfigError: It is none of these, or the folder or the package is not there.
    """
    if model.startswith(PACKAGE):
        return _in_package(model)
    folder = expand_path(model)
    if model and folder.is_dir():
        return folder
    if _LOOKS_LIKE_A_PATH.match(model) or folder.is_file():
        raise ConfigError(f"there is no folder {model!r}: name a folder that holds a model, or a model's Hub id")
    if not _HUB_ID.fullmatch(model):
        raise ConfigError(
            f"{model!r} is neither a folder here nor a Hub id: name a model like 'BAAI/bge-small-en-v1.5', "
            "a folder, or 'package:NAME/path'"
        )
    return None


def _in_package(model: str) -> Path:
    name, _, inside = model.removeprefix(PACKAGE).partition("/")
    # a dotted name would run its parent's code
    if not name.isidentifier() or not (inside == "" or is_inside(inside)):
        raise ConfigError(f"{model!r} is not of the form 'package:NAME/path', with the import name of a package")
    spec = importlib.util.find_spec(name)
    folders = [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []
    if not folders:
        raise ConfigError(f"the Python package {name!r} of {model!r} is not installed: install it with pip")
    for folder in folders:
        if (folder / inside).is_dir():
            return folder / inside
    raise ConfigError(f"the Python package {name!r} holds no folder {inside!r}: the package is in {folders[0]}")


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
        found = describe_folder(model, folder)
        found = _with_weights(found, native)
        return replace(found, revision=_check_pin(model, revision, digest(found.weights)))
    if revision and revision.startswith(_DIGEST):
        raise ConfigError(
            f"revision {revision!r} is for a folder, but {model!r} is a Hub id: name a branch, tag or commit"
        )
    found = _describe_on_hub(model, revision)
    if native is None:
        return found
    fetch_model(model, found.revision, _weight_patterns(found, native))
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
    return _describe_on_hub(model, revision) if folder is None else describe_folder(model, folder)


def _describe_on_hub(model: str, revision: str | None) -> ModelFolder:
    root = fetch_model(model, revision, _SETTINGS)
    return replace(describe_folder(model, root), revision=root.name)


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
            raise ModelError(f"{found.id!r} lacks {path}; pickled weights are never loaded: name another model")
    return (*files, *heads)


def _nothing_to_run(found: ModelFolder, native: Collection[str] | None) -> str:
    if native is None or found.kind in native:
        return (
            f"{found.id!r} holds no weights: there is no model.safetensors in {found.path}, and pickled ones "
            "(.bin, .pt) are never loaded: name a model or revision with safetensors"
        )
    why = "brings code of its own" if found.config.get("auto_map") else f"is a {found.kind!r} model"
    return (
        f"{found.id!r} {why} and has no onnx/model.onnx; without one these can be run: {', '.join(sorted(native))}: "
        "name another model, or export this one to ONNX"
    )


def _check_pin(model: str, pinned: str | None, found: str) -> str:
    if pinned is not None and not pinned.startswith(_DIGEST):
        raise ConfigError(f"revision {pinned!r} cannot be of the folder {model!r}: give its digest, {found!r}, or none")
    if pinned not in {None, found}:
        raise ModelError(
            f"the weights of {model!r} are not the ones the job asks for: expected {pinned}, found {found}: "
            "get the right files, or correct the revision"
        )
    return found
