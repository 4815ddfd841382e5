"""Served model: the name by which a server knows the model, which OpenAI's route wants in each request."""

from __future__ import annotations

import time
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING

import orjson
from pydantic import BaseModel, ValidationError

from vecmill.errors import ConfigError
from vecmill.tei.faults import Fault, check_status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vecmill.tei.patience import Patience
    from vecmill.tei.router import Router

PAGE = "/v1/models"
SHOWN = 5
KEY_OR_LATER = frozenset({401, 403, 429, 502, 503, 504})
"""What does not mean that the server has no list."""


class _Entry(BaseModel):
    id: str
    root: str | None = None


class _Models(BaseModel):
    data: list[_Entry]


def find_served_model(router: Router, model: str, patience: Patience) -> str:
    """Ask a server what it calls the model.

    Args:
        router: The server.
        model: The model's id on the Hub, or where its folder is.
        patience: How long to ask.

    Returns:
        The name in the server's list that is the model's, or the only one; the model's own where it has no list.

    Raises:
        ConfigError: It serves several models, and none has this name.
        EngineError: It did not answer in time.
    """
    while True:
        try:
            return choose_served_model(_list_models(router), model)
        except Fault as fault:
            time.sleep(patience.after(fault))


def choose_served_model(served: Sequence[tuple[str, str | None]], model: str) -> str:
    """Return the name of the model among those of a server, each with the id that it was loaded from, if it says so.

    Raises:
        ConfigError: There are several, and which is meant cannot be told.
    """
    own = _last(model) if PurePath(model).is_absolute() or model.startswith((".", "~", "package:")) else model
    if len(served) < 2:  # noqa: PLR2004 - the one there is, or none
        return served[0][0] if served else own
    for same in (_whole, _last):
        found = [name for name, root in served if same(own) in {same(name), same(root or name)}]
        if len(found) == 1:
            return found[0]
    names = ", ".join(repr(name) for name, _ in served[:SHOWN])
    more = f" and {len(served) - SHOWN} more" if len(served) > SHOWN else ""
    raise ConfigError(
        f"the server has the models {names}{more}, and which of them is {own!r} cannot be told: set "
        "embedder.served_model to its name"
    )


def _list_models(router: Router) -> list[tuple[str, str | None]]:
    response = router.get(PAGE)
    if response.status_code in KEY_OR_LATER:
        check_status(response)
    if not response.is_success:
        return []
    try:
        return [(entry.id, entry.root) for entry in _Models.model_validate(orjson.loads(response.content)).data]
    except (ValueError, ValidationError):
        return []


def _whole(name: str) -> str:
    return name.casefold().removesuffix(":latest")


def _last(name: str) -> str:
    return PurePosixPath(_whole(name.replace("\\", "/"))).name
