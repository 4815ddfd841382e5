"""The dataset card: what a reader must know before using the vectors, from the manifest alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vecmill.store.card import body
from vecmill.store.card.front_matter import front
from vecmill.store.card.sections import Place, own_text, rights, section, with_own_text
from vecmill.store.claims import shard_folder

if TYPE_CHECKING:
    from vecmill.records import Manifest

__all__ = ["Place", "card", "own_text", "with_own_text"]


def card(manifest: Manifest, place: Place | None = None, own: str = "") -> str:
    """Return the README.md of a dataset.

    Args:
        manifest: The finished run.
        place: Where the dataset is read from; by default the folder that the run made, or a copy of a repo.
        own: The user's own text, Markdown.
    """
    place = place or Place(folder=shard_folder(manifest))
    sections = [
        body.what(manifest, place),
        section(own),
        body.usage(manifest, place),
        body.columns(manifest, place),
        body.recipe(manifest),
        body.account(manifest),
        rights(manifest, place),
        body.origin(manifest, place),
    ]
    return "\n".join([front(manifest, place), *filter(None, sections)])
