"""Terms of a dataset of the Hub, as its card says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vecmill.records import Terms

if TYPE_CHECKING:
    from collections.abc import Mapping

NORWEGIAN = "no"


def told(card: Mapping[str, object]) -> Terms:
    """Return the terms in a card's front matter. People write all kinds of things there: words are taken, no more."""
    name, link = card.get("license_name"), card.get("license_link")
    return Terms(
        license=_words(card.get("license")),
        license_name=name if isinstance(name, str) else "",
        license_link=link if isinstance(link, str) else "",
        language=_words(card.get("language")),
    )


def _words(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    # YAML takes the code of Norwegian for a No.
    named = (NORWEGIAN if word is False else word for word in values)
    return tuple(word for word in named if isinstance(word, str) and word)
