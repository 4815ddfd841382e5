"""Vectors: what makes one unfit for a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

NORM_TOLERANCE = 1e-2
"""How far from 1 the length of a normalised vector may be: room for half-precision engines, none for garbage."""


def check_vectors(vectors: npt.NDArray[np.float32], *, normalized: bool) -> dict[int, str]:
    """Return what is wrong, by row: not finite, zero, or not of unit length where it should be.

    Args:
        vectors: Shape ``(n, dimension)``.
        normalized: Whether the model makes unit vectors.
    """
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    wrong = ~np.isfinite(norms) | (norms == 0)
    if normalized:
        wrong |= ~(np.abs(norms - 1) <= NORM_TOLERANCE)
    return {int(row): _fault(float(norms[row])) for row in np.flatnonzero(wrong)}


def _fault(norm: float) -> str:
    if not np.isfinite(norm):
        return "the vector is not finite"
    return "the vector is zero" if norm == 0 else f"the vector has length {norm:.4f}, not 1"
