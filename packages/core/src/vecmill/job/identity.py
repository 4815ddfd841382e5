"""Identity: what makes a run this run and no other."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from vecmill.job.places import distinct, hidden, paths, places, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vecmill.job.config import Job
    from vecmill.protocols import Component
    from vecmill.records import ModelInfo

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SAID = {
    "content": "content (the source has changed)",
    "files": "files (it was made before vecmill noted which tokenizer and settings of the model it has)",
}


def recipe(job: Job, parts: Mapping[str, Component[Any]]) -> dict[str, Any]:
    """Return every option of the run, in JSON types: the manifest's ``recipe``; of places what others may read."""
    described = {kind: _public(part) for kind, part in parts.items()}
    return {**described, "shards": job.shards.model_dump(), "truncate": job.truncate}


def identity(job: Job, parts: Mapping[str, Component[Any]], fingerprint: str, model: ModelInfo) -> dict[str, Any]:
    """Return what decides the bytes that come out: options without ``location``, content, model revision.

    A folder of weights may lie elsewhere on another machine, so the model's digest counts, not its path; so do those of
    its tokenizer and its settings, each under its name, so that a difference can be named. A path that
    its author has not put in ``location`` counts: who knows what is read there? Others see its hash.
    """
    return {
        **{kind: _decisive(part) for kind, part in parts.items()},
        "shards": job.shards.model_dump(),
        "truncate": job.truncate,
        "content": fingerprint,
        "weights": model.model_dump(exclude={"id", "files"}),
        **({"files": model.files} if model.files else {}),
    }


def difference(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """Say in a few words in which keys two identities differ."""
    unnamed = "files" in mine and "files" not in theirs
    left, right = _flat({**mine, "files": ()} if unnamed else mine), _flat(theirs)
    keys = [key for key in sorted(left | right) if left.get(key) != right.get(key)]
    return ", ".join(_told(key, right.get(key), left.get(key)) for key in keys[:4]) or "nothing"


def _told(key: str, there: object, now: object) -> str:
    return _SAID.get(key) or f"{key} ({_shown(there)} there, {_shown(now)} now)"


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, str) and _SHA256.fullmatch(value):
        return f"{value[:8]}…"
    return json.dumps(value, ensure_ascii=False, default=str)


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _public(part: Component[Any]) -> dict[str, Any]:
    options = _described(part)
    return options | {key: told(value) for key, value in hidden(options, places(part)).items()}


def _decisive(part: Component[Any]) -> dict[str, Any]:
    options = {key: value for key, value in _described(part).items() if key not in part.location}
    return options | {key: distinct(value) for key, value in hidden(options, paths(part.config)).items()}


def _described(part: Component[Any]) -> dict[str, Any]:
    return {"name": part.name, "version": part.version, **part.config.model_dump(mode="json")}
