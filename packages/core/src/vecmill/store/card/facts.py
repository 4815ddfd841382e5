"""Facts: what a card states, so that a changed one is found whatever the words around it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from vecmill.store.card.sections import without_own

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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


def facts(readme: str) -> dict[str, Any]:
    """Return what a card states by name, in its front matter and its text, the user's own part left out."""
    text = without_own(readme)
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


def contradictions(stated: Mapping[str, Any], expected: Mapping[str, Any], *, copied: bool) -> Iterator[str]:
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
