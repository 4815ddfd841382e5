"""Write docs/example-card.md anew: the card of the demo, as the ``hub`` publisher makes it.

hatch run python tests/example_card.py
"""

from __future__ import annotations

import sys

from repository import ROOT
from vecmill import Manifest
from vecmill.store.card import Location, format_card

MANIFEST = ROOT / "tests" / "hub" / "demo-manifest.json"
"""Of one run of the demo, kept so that times and processors do not change the card."""
PAGE = ROOT / "docs" / "example-card.md"


def example_card() -> str:
    """Return the page."""
    manifest = Manifest.model_validate_json(MANIFEST.read_bytes())
    run, title = manifest.published_name, "Python's language reference, embedded with all-MiniLM-L6-v2"
    return format_card(
        manifest, Location(repo="user/python-reference", folder=f"data/{run}", tag=run, pretty_name=title)
    )


if __name__ == "__main__":
    PAGE.write_text(example_card(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
