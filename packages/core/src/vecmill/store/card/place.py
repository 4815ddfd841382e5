"""Place: where a dataset is read from, and what its manifest does not say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vecmill.records import Terms


@dataclass(frozen=True, slots=True)
class Place:
    """A dataset as its readers find it.

    Attributes:
        repo: ``user/name`` on the Hub; empty for a folder.
        folder: Where its shards are.
        tag: Pins this very run, on the Hub.
        variants: Configurations with the same rows and other vectors, ``float16`` or ``int8``, and their bytes.
        license: Identifiers of the text's licences, in place of those that the manifest states.
        language: Codes of its languages, in the same way.
        pretty_name: The dataset's name for people.
    """

    repo: str = ""
    folder: str = "data"
    tag: str = ""
    variants: Mapping[str, int] = field(default_factory=dict)
    license: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    pretty_name: str = ""

    def terms(self, stated: Terms) -> Terms:
        """Return the text's terms: those that a manifest states, or in their place one's own."""
        return stated.but(self.license, self.language)
