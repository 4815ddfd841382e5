"""Ranking: the highest of many scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def highest(scores: npt.NDArray[np.float32], limit: int) -> npt.NDArray[np.int64]:
    """Return where the highest scores are, best first; of equal ones, the earlier."""
    enough = np.partition(scores, -limit)[-limit] if limit < len(scores) else -np.inf
    candidates = np.flatnonzero(scores >= enough)
    return candidates[np.argsort(-scores[candidates], kind="stable")[:limit]]
