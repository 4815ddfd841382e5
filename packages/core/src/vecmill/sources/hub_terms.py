"""Terms of a dataset of the Hub, as its card says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vecmill.records import Terms

if TYPE_CHECKING:
    from collections.abc import Mapping

NORWEGIAN = "no"
LONGEST, LONGEST_WORD = 1024, 256
"""Characters; what is longer is no licence's name."""


def told(card: Mapping[str, object], config: str | None) -> Terms:
    """Return the terms in a card's front matter. People write all kinds of things there: words are taken, no more.

    Args:
        card: The front matter.
        config: The configuration; the card of Wikipedia names 300 languages, and ``20231101.en`` is in one of them.
    """
    name, link = card.get("license_name"), card.get("license_link")
    return Terms(
        license=_words(card.get("license")),
        license_name=name if isinstance(name, str) and len(name) <= LONGEST else "",
        license_link=link if isinstance(link, str) and len(link) <= LONGEST else "",
        language=_own(_words(card.get("language")), config or ""),
    )


def _own(languages: tuple[str, ...], config: str) -> tuple[str, ...]:
    named = set(re.split(r"[._/]", config)).intersection(languages)
    return tuple(language for language in languages if language in named) or languages


def _words(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    # YAML takes the code of Norwegian for a No.
    named = (NORWEGIAN if word is False else word for word in values)
    return tuple(word for word in named if isinstance(word, str) and 0 < len(word) <= LONGEST_WORD)
