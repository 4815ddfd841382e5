"""What is measured of vectors: invariants."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.quality.measure import Sample, geometry, nearest


def sample_of(vectors):
    """Make a sample in which every row is a document of its own."""
    names = [str(n) for n in range(len(vectors))]
    return Sample(names, names, names, np.asarray(vectors, np.float32))


def test_vectors_that_are_all_alike_have_no_dimensions():
    """Any score is 1 then, and tells nothing."""
    found = geometry(sample_of(np.tile([1, 0, 0], (5, 1))))
    assert found.mean_cosine == pytest.approx(1)
    assert found.effective_dimensions == 0
    assert found.twins == 5


def test_vectors_at_right_angles_use_every_dimension():
    """Plus and minus each axis: mean cosine a little under 0, and all dimensions."""
    found = geometry(sample_of(np.vstack([np.eye(8), -np.eye(8)])))
    assert found.mean_cosine == pytest.approx(-1 / 15)
    assert found.effective_dimensions == pytest.approx(8)
    assert found.twins == 0


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 5))
def test_the_nearest_row_of_another_owner_is_found(seed, rows, owners):
    """Whatever the rows and however they are owned; -1 where nobody else owns any."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(rows, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    owner = random.integers(owners, size=rows)
    scores = vectors @ vectors.T
    expected = [max([scores[i, j] for j in range(rows) if owner[j] != owner[i]], default=-1) for i in range(rows)]
    np.testing.assert_allclose(nearest(vectors, owner), expected, atol=1e-6)
