"""Prompts: what a model wants in front of documents and of queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vecmill.errors import ModelError
from vecmill.models.settings import read_settings

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT_NAMES = ("document", "passage", "corpus")


class Prompts(NamedTuple):
    """What is put in front of a text, empty for nothing."""

    document: str = ""
    query: str = ""


def read_prompts(folder: Path) -> Prompts:
    """Read a model's prompts from ``config_sentence_transformers.json``.

    A document gets the prompt called ``document``, ``passage`` or ``corpus``, a query the one called
    ``query``; where there is none, the model's default prompt. A default that is the query prompt is not
    for documents.
    """
    settings = read_settings(folder / "config_sentence_transformers.json", dict) or {}
    prompts = {name: _checked(text or "", folder) for name, text in (settings.get("prompts") or {}).items()}
    default_name = settings.get("default_prompt_name")
    default = prompts.get(default_name, "")
    named = (prompts[name] for name in DOCUMENT_NAMES if name in prompts)
    return Prompts(
        document=next(named, "" if default_name == "query" else default),
        query=prompts.get("query", default),
    )


def _checked(prompt: object, folder: Path) -> str:
    if not isinstance(prompt, str):
        raise ModelError(f"{folder / 'config_sentence_transformers.json'} has a prompt that is no text: {prompt!r}.")
    return prompt
