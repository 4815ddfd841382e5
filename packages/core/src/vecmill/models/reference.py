"""Reference: what a job means by ``model = …``."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from vecmill.errors import ConfigError
from vecmill.expand import expanded
from vecmill.inside import is_inside

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
    folder = expanded(model)
    if model and folder.is_dir():
        return folder
    if _LOOKS_LIKE_A_PATH.match(model) or folder.is_file():
        raise ConfigError(f"There is no folder {model!r}. Name a folder that holds a model, or a model's Hub id.")
    if not _HUB_ID.fullmatch(model):
        raise ConfigError(
            f"{model!r} is neither a folder here nor a Hub id. Name a model like 'BAAI/bge-small-en-v1.5', "
            "a folder, or 'package:NAME/path'."
        )
    return None


def _in_package(model: str) -> Path:
    name, _, inside = model.removeprefix(PACKAGE).partition("/")
    # a dotted name would run its parent's code
    if not name.isidentifier() or not (inside == "" or is_inside(inside)):
        raise ConfigError(f"{model!r} is not of the form 'package:NAME/path', with the import name of a package.")
    spec = importlib.util.find_spec(name)
    places = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    if not places:
        raise ConfigError(f"The Python package {name!r} of {model!r} is not installed. Install it with pip.")
    for place in places:
        if (place / inside).is_dir():
            return place / inside
    raise ConfigError(f"The Python package {name!r} holds no folder {inside!r}. Look into {places[0]}.")
