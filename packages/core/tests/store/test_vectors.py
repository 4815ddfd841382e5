"""Tests of vecmill.store.vectors."""

import numpy as np
import pytest

from vecmill.records import Output
from vecmill.store.vectors import check_vectors, compare_vectors

GOOD = [0.6, 0.8]
UNIT = Output(dimension=2, normalized=True, similarity="cosine")
ANY = UNIT.model_copy(update={"normalized": False})


@pytest.mark.parametrize(
    ("vector", "reason"),
    [
        ([np.nan, 1], "not finite"),
        ([np.inf, 0], "not finite"),
        ([0, 0], "is zero"),
        ([3, 4], "length 5.0000, not 1"),
    ],
)
def test_an_unfit_vector_is_named_by_its_row(vector, reason):
    """Not finite, zero, of the wrong length: each is found, and its good neighbours are not."""
    faults = check_vectors(np.array([GOOD, vector, GOOD], np.float32), UNIT)
    assert list(faults) == [1]
    assert reason in faults[1]


def test_a_model_that_does_not_normalise_may_have_any_length():
    """Length is checked only where the model promises it."""
    assert check_vectors(np.array([[3, 4]], np.float32), ANY) == {}


def test_huge_values_are_finite():
    """The squares of large float32 values do not overflow the check."""
    assert check_vectors(np.array([[3e38, 3e38]], np.float32), ANY) == {}


@pytest.mark.parametrize(
    ("precisions", "cosine", "differ"),
    [
        (("f32", "f32"), 0.9995, False),
        (("f32", "bf16"), 0.998, True),
        (("int8", "f32"), 0.998, False),
        (("f32", "int8"), 0.985, True),
        (("f32", None), 0.998, False),
        (("bf16",), 0.998, True),
    ],
)
def test_vectors_are_compared_by_the_coarser_of_two_precisions(precisions, cosine, differ):
    """What one of them rounds is no difference; another text is one in each."""
    stored, made = np.array([[1, 0]], np.float32), np.array([[cosine, np.sqrt(1 - cosine**2)]], np.float32)
    assert compare_vectors(stored, made, *precisions).differ.tolist() == [differ]


@pytest.mark.parametrize("made", [[[1.06, 0]], [[0.94, 0]], [[0, 0]], [[np.nan, 0]], [[-1, 0]]])
def test_another_length_or_no_vector_differs(made):
    """Whatever the precision."""
    assert compare_vectors(np.array([[1, 0]], np.float32), np.array(made, np.float32), None).differ.all()
