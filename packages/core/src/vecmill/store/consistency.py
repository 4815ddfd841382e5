"""Consistency: what a manifest says twice, what a card says of the manifest, and where they differ.

No file but these two is needed.
"""

from __future__ import annotations

import json
import math
import re
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from vecmill.records.manifest import hash_identity
from vecmill.records.model import describe_weights
from vecmill.store.card import remove_user_section
from vecmill.store.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vecmill.records import Manifest


OWN_ENGINES = ("openvino", "tei")
"""Embedders whose options ``model`` and ``revision`` are the model's; those of others may mean anything."""
PARTS = ("source", "chunker", "batching", "embedder")
"""What a recipe has the options of."""
_HASHED = re.compile(r"(.*)#[0-9a-f]{8}", flags=re.DOTALL)


def list_missing_parts(manifest: Manifest) -> list[str]:
    """Return the parts of a recipe that are not there, or are no table, so that nothing can be checked in them."""
    return [kind for kind in PARTS if not isinstance(manifest.recipe.get(kind), dict)]


def check_manifest(manifest: Manifest) -> Iterator[str]:
    """Yield where a manifest contradicts itself."""
    misshapen = list_missing_parts(manifest)
    yield from (f"recipe.{kind} is no table of options" for kind in misshapen)
    if not misshapen:
        yield from _identity(manifest)
        yield from _columns(manifest)
        yield from _model(manifest)
    yield from _account(manifest)
    yield from _files(manifest)
    yield from _duplicates(manifest)
    yield from _history(manifest)


def _identity(manifest: Manifest) -> Iterator[str]:
    identity, recipe, source = manifest.identity, manifest.recipe, manifest.source
    expected = hash_identity(identity)
    if manifest.run_id != expected:
        yield f"run_id is {manifest.run_id}, and the hash of identity is {expected}"
    for key in [key for key in identity if key in recipe]:
        for path in _differences(identity[key], recipe[key], key):
            yield f"recipe.{path} is not what identity says"
    yield from _unequal("source.options", source.options, "recipe.source", recipe["source"])
    yield from _unequal("source.name", source.name, "recipe.source.name", recipe["source"].get("name"))
    yield from _unequal("source.fingerprint", source.fingerprint, "identity.content", identity.get("content"))


def _columns(manifest: Manifest) -> Iterator[str]:
    keep, stated = manifest.recipe["source"].get("keep"), [*manifest.columns]
    missing = [name for name in keep if name not in stated] if isinstance(keep, list) and stated else []
    yield from (f"columns has no {name!r}, which recipe.source.keep names" for name in missing)


def _model(manifest: Manifest) -> Iterator[str]:
    model, stated = manifest.model.model_dump(), manifest.identity.get("weights")
    if not isinstance(stated, dict):
        yield "identity.weights is missing"
        return
    weights = describe_weights(manifest.model)
    for key in [key for key in weights if key in stated]:
        yield from _unequal(f"model.{key}", weights[key], f"identity.weights.{key}", stated[key])
    yield from _unequal("model.files", model["files"], "identity.files", manifest.identity.get("files", {}))
    embedder = manifest.recipe["embedder"]
    if embedder.get("name") in OWN_ENGINES:
        for option, key in (("model", "id"), ("revision", "revision")):
            value = embedder.get(option)
            if isinstance(value, str):
                yield from _unequal(f"model.{key}", model[key], f"recipe.embedder.{option}", value)


def _account(manifest: Manifest) -> Iterator[str]:
    account, reasons = manifest.account, manifest.reasons
    yield from (f"account.{key} is negative" for key, value in account.model_dump().items() if value < 0)
    if not account.balanced:
        yield (
            f"account: {account.documents_in} documents in, but {account.documents_embedded} embedded "
            f"and {account.documents_quarantined} quarantined"
        )
    if account.truncated_chunks and not manifest.recipe.get("truncate"):
        yield f"account.truncated_chunks is {account.truncated_chunks}, and recipe.truncate is false"
    if not 0 <= account.shortened_titles <= account.documents_in:
        yield f"account.shortened_titles is {account.shortened_titles}, of {account.documents_in} documents"
    counted = sum(reasons.values())
    if counted != account.documents_quarantined:
        yield f"account.documents_quarantined is {account.documents_quarantined}, and the reasons add up to {counted}"
    if list(reasons.items()) != sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        yield "reasons are not in order, the most frequent first"
    rows = manifest.quarantine.rows if manifest.quarantine else 0
    if rows != account.documents_quarantined:
        yield f"account.documents_quarantined is {account.documents_quarantined}, and quarantine has {rows} rows"
    yield from _status(manifest)


def _status(manifest: Manifest) -> Iterator[str]:
    account, status = manifest.account, manifest.status
    if status == "failed" and account.chunks and not account.documents_quarantined:
        yield "status is failed, and no document was quarantined"
    if manifest.max_quarantine is not None:
        share = account.documents_quarantined / max(1, account.documents_in)
        expected = "complete" if account.chunks and share <= manifest.max_quarantine else "failed"
        if status != expected:
            yield f"status is {status}, and by max_quarantine = {manifest.max_quarantine:g} it is {expected}"


def _files(manifest: Manifest) -> Iterator[str]:
    rows, folder = sum(entry.rows for entry in manifest.shards), manifest.shard_folder
    if rows != manifest.account.chunks:
        yield f"account.chunks is {manifest.account.chunks}, and the shards have {rows} rows"
    if folder not in {"data", f"data/{manifest.published_name}"}:
        yield f"shards are in {folder}, where no run of this content puts them"
    count = len(manifest.shards)
    for index, entry in enumerate(manifest.shards):
        name = Layout(PurePosixPath(folder)).shard(index, count).name  # type: ignore[arg-type]
        if PurePosixPath(entry.path) != PurePosixPath(folder) / name:
            yield f"shard {index} is {entry.path}, not {folder}/{name}"
            break
    path = "quarantine.parquet" if folder == "data" else f"{folder}/quarantine.parquet"
    if manifest.quarantine is not None and manifest.quarantine.path != path:
        yield f"quarantine is {manifest.quarantine.path}, not {path}"


def _duplicates(manifest: Manifest) -> Iterator[str]:
    listed = [id_ for ids in manifest.duplicates.values() for id_ in ids]
    quarantined = manifest.reasons.get("duplicate id", 0)
    if any(not 0 < index < len(manifest.shards) for index in manifest.duplicates):
        yield "duplicates names a shard that has no earlier one, or that there is not"
    if len(listed) > quarantined:
        yield f"duplicates lists {len(listed)} ids, and {quarantined} documents were quarantined for theirs"


def _history(manifest: Manifest) -> Iterator[str]:
    timing, reused, cost = manifest.timing, manifest.reused, manifest.cost
    try:
        in_order = datetime.fromisoformat(timing.started) <= datetime.fromisoformat(timing.finished)
    except (ValueError, TypeError):
        yield "timing.started or timing.finished is no ISO 8601 time with its zone"
    else:
        if not in_order:
            yield f"timing.finished is {timing.finished}, before timing.started"
    numbers = {f"timing.{key}": getattr(timing, key) for key in ("wall_seconds", "worker_seconds")}
    if cost is not None:
        numbers |= {f"cost.{key}": getattr(cost, key) for key in ("estimate", "container_seconds", "price_per_second")}
    yield from (f"{key} is {value}" for key, value in numbers.items() if value < 0 or not math.isfinite(value))
    if reused is not None and not 0 <= reused.chunks <= manifest.account.chunks:
        yield f"reused.chunks is {reused.chunks}, of {manifest.account.chunks} chunks"
    if reused is not None and reused.runs:
        if sum(reused.runs.values()) != reused.chunks or min(reused.runs.values()) < 0:
            yield f"reused.chunks is {reused.chunks}, and reused.runs add up to {sum(reused.runs.values())}"
        if reused.runs.get(reused.run_id) != max(reused.runs.values()):
            yield f"reused.run_id is {reused.run_id}, which is not the one of most chunks in reused.runs"


def _unequal(name: str, value: object, other: str, expected: object) -> Iterator[str]:
    if value != expected:
        yield f"{name} is not what {other} says"


def _differences(decisive: Any, public: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - options are any JSON
    """Yield the paths of options that an identity and a recipe give other values; the recipe may have more."""
    if isinstance(decisive, dict) and isinstance(public, dict):
        for key, value in decisive.items():
            yield from _differences(value, public.get(key), f"{path}.{key}")
    elif isinstance(decisive, list) and isinstance(public, list) and len(decisive) == len(public):
        for number, (value, other) in enumerate(zip(decisive, public, strict=True)):
            yield from _differences(value, other, f"{path}.{number}")
    elif decisive != public and not _is_hashed(decisive, public):
        yield path


def _is_hashed(decisive: object, public: object) -> bool:
    """Whether an identity has the hash of a private path, of which a recipe shows the last part or nothing."""
    found = _HASHED.fullmatch(decisive) if isinstance(decisive, str) else None
    return found is not None and found[1] == (public or "")


_ROW = re.compile(r"^\| ([^|\n]+?) \| (.*) \|$", flags=re.MULTILINE)
_RECIPE = re.compile(r"^```json\n(.*?)\n```$", flags=re.DOTALL | re.MULTILINE)
_SENTENCES = {
    "title": r"^# (.+)$",
    "chunks": r"^([\d,]+) chunks of [\d,]+ documents\b",
    "documents": r"^[\d,]+ chunks of ([\d,]+) documents\b",
    "dimensions": r"^([\d,]+) dimensions\.$",
    "width": r"^fixed-size list of ([\d,]+) \w+, never",
    "columns": r"^(.+) (?:are|is) the source's\.",
    "chunker": r"^Cut by the chunker (.+)\.$",
    "time": r"^It took (.+?) of worker time",
    "finished": r"\bfinished (\S+?)\.(?:\s|$)",
    "cost": r"It cost (.+)\.$",
    "version": r"^Made by vecmill (\S+) from\b",
    "source": r"\bfrom the source `([^`]*)`(?:, at|, run)",
    "revision of the source": r", at revision `([^`]*)`",
    "run": r", run `([^`]*)`\.",
}
REQUIRED = ("chunks", "run", "configs")
"""What every card states; one that does not is not a card of ours."""
OF_EVERY_DATASET = ("tags", "task_categories")
"""What a card says without the manifest, and its readers may add to."""
OF_THE_TEXT = ("license", "license_name", "license_link", "language")
"""What a card leaves out if there is none of it."""
OF_THE_PLACE = frozenset({"title", "pretty_name", *OF_THE_TEXT})
"""What a publisher's options may change."""


def read_facts(readme: str) -> dict[str, Any]:
    """Return what a card states by name, in its front matter and its text, the user section left out."""
    text = remove_user_section(readme)
    found: dict[str, Any] = {key: match[1] for key, regex in _SENTENCES.items() if (match := _search(regex, text))}
    found |= {f"the row {match[1]!r}": match[2].replace("\\|", "|") for match in _ROW.finditer(text)}
    if recipe := _RECIPE.search(text):
        found["recipe"] = _json(recipe[1])
    return _front(readme) | found


def _front(readme: str) -> dict[str, Any]:
    """Return what a card's front matter states by key; of its configurations the default one."""
    from huggingface_hub import RepoCard

    if not readme.startswith("---"):
        return {}
    try:
        found: dict[str, Any] = RepoCard(readme).data.to_dict()  # type: ignore[no-untyped-call]
    except Exception:  # noqa: BLE001 - YAML fails in many ways
        return {}
    for key in OF_EVERY_DATASET:
        found.pop(key, None)
    for key in ("configs", "dataset_info"):
        if key in found:
            found[key] = _default(found[key])
    return found


def compare_facts(stated: Mapping[str, Any], expected: Mapping[str, Any], *, copied: bool) -> Iterator[str]:
    """Yield what a card states otherwise than its manifest.

    Args:
        stated: The card's facts.
        expected: Those of a card made from the manifest.
        copied: Whether a publisher made the card, so that its options may have changed some.
    """
    for key in REQUIRED:
        if key in expected and key not in stated:
            yield f"it states no {key}, so it is not the card of the dataset"
            return
    for key in {**expected, **dict.fromkeys(OF_THE_TEXT)}:
        if copied and key in OF_THE_PLACE:
            continue
        if stated.get(key, expected.get(key)) != expected.get(key) or (
            key in OF_THE_TEXT and key not in stated and key in expected
        ):
            yield f"{key} is not what the manifest says"


def _search(regex: str, text: str) -> re.Match[str] | None:
    return re.search(regex, text, flags=re.MULTILINE)


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _default(configurations: object) -> object:
    every = configurations if isinstance(configurations, list) else [configurations]
    return next((one for one in every if isinstance(one, dict) and one.get("config_name") == "default"), every)
