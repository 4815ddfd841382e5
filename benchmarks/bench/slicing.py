"""Slicing: what everybody does to a document in the end-to-end measurement, so that all embed the same chunks."""

from __future__ import annotations

SIZE = 400


def slices(text: str) -> list[str]:
    """Return a document's slices; a blank one is not embedded."""
    return [piece for start in range(0, len(text), SIZE) if (piece := text[start : start + SIZE]).strip()]
