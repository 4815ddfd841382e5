"""Place: where a dataset is read from, and what its manifest does not say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A dataset as its readers find it.

    Attributes:
        repo: ``user/name`` on the Hub; empty for a folder.
        folder: Where its shards are.
        tag: Pins this very run, on the Hub.
        variants: Folders with the same rows and other vectors: ``float16``, ``int8``.
        license: Identifiers of the source's licences, as the Hub writes them.
        language: Codes of the source's languages.
        pretty_name: The dataset's name for people.
    """

    repo: str = ""
    folder: str = "data"
    tag: str = ""
    variants: tuple[str, ...] = ()
    license: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    pretty_name: str = ""
