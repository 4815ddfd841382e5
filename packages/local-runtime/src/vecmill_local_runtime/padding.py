"""Padding: from lists of token ids to the rectangles an engine takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

STEP = 16  # kernels are made anew for every width; matrix units take 16 rows at a time, and are 10-20% slower between


def cut(ids: list[int], longest: int, ending: int) -> list[int]:
    """Return ``ids`` with at most ``longest`` tokens; the last ``ending`` of them, special ones, stay last."""
    if len(ids) <= longest:
        return ids
    return ids[: longest - ending] + ids[len(ids) - ending :]


def pad(ids: Sequence[Sequence[int]], filler: int, longest: int) -> npt.NDArray[np.int64]:
    """Put texts of any length into one array, filled up with ``filler``.

    Args:
        ids: Each text's token ids.
        filler: The padding token.
        longest: The model has no more positions than this; the array is not made wider.
    """
    width = min(_round_up(max(map(len, ids))), longest)
    rectangle = np.full((len(ids), width), filler, np.int64)
    for row, tokens in zip(rectangle, ids, strict=True):
        row[: len(tokens)] = tokens
    return rectangle


def _round_up(length: int) -> int:
    return max(STEP, -(-length // STEP) * STEP)
