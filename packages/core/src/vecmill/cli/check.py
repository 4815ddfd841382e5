"""Check: one thing that ``vecmill doctor`` looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, and what was found.

    Attributes:
        name: What was looked at.
        level: ``fail`` if a run on this machine needs it and cannot have it; ``note`` for what may matter.
        found: What there is.
        hint: What to do about it.
    """

    name: str
    level: Literal["ok", "note", "fail"]
    found: str
    hint: str = ""
