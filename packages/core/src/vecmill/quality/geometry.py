"""Geometry: how the vectors of a sample lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vecmill.quality.report import TWIN, Geometry

if TYPE_CHECKING:
    import numpy.typing as npt

    from vecmill.quality.sample import Sample

BLOCK = 1024
BINS = 20


def geometry(sample: Sample) -> Geometry:
    """Measure the spread of the vectors, and how near the nearest are."""
    vectors = sample.vectors
    near = nearest(vectors, np.unique(sample.ids, return_inverse=True)[1])
    rows = len(vectors)
    total = vectors.astype(np.float64).sum(0)
    pairs = max(1, rows * (rows - 1))
    return Geometry(
        rows=rows,
        mean_cosine=float((total @ total - rows) / pairs),
        effective_dimensions=_dimensions(vectors),
        twins=int((near > TWIN).sum()),
        nearest=np.histogram(np.clip(near, 0, 1), bins=BINS, range=(0, 1))[0].tolist(),
    )


def nearest(vectors: npt.NDArray[np.float32], owners: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Return each row's greatest cosine with a row of another owner; -1 where there is none."""
    best = np.full(len(vectors), -1, np.float32)
    for start in range(0, len(vectors), BLOCK):
        block = slice(start, start + BLOCK)
        scores = vectors[block] @ vectors.T
        scores[owners[block, None] == owners[None, :]] = -1
        best[block] = scores.max(1, initial=-1)
    return best


def _dimensions(vectors: npt.NDArray[np.float32]) -> float:
    """Return the participation ratio of the covariance: (sum of eigenvalues)² / sum of their squares."""
    covariance = np.cov(vectors, rowvar=False) if len(vectors) > 1 else np.zeros((1, 1))
    trace = float(np.trace(np.atleast_2d(covariance)))
    return trace**2 / float((np.atleast_2d(covariance) ** 2).sum()) if trace else 0.0
