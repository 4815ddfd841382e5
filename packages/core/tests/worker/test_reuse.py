"""Tests of vecmill.worker.reuse: which vectors count as the same."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vecmill.errors import ReuseError
from vecmill.records import Document, ModelInfo, Span
from vecmill.worker.reuse import Known, Reuse
from vecmill.worker.window import Window

ROWS, DIMENSION = 6, 32


def model(precision=None, *, normalized=False):
    """Return a model's description."""
    return ModelInfo(
        id="m",
        revision="1",
        dimension=DIMENSION,
        max_tokens=9,
        pooling="mean",
        normalized=normalized,
        precision=precision,
    )


def check(again, known, precision=None, failed=None):
    """Compare vectors of six chunks of one document."""
    task: Any = SimpleNamespace(index=0, count=1, spec=SimpleNamespace(seed=1, trust_vectors=False))
    earlier: Any = SimpleNamespace(root="there", run_id="run")
    window = Window()
    window.add(Document("d", "abcdef"), 0, [Span(n, n + 1) for n in range(ROWS)], "")
    every = np.arange(ROWS)
    Reuse(earlier, task, model(precision)).check(Known(every, known, every), window, again, failed or {})


@pytest.fixture
def vectors():
    """Vectors of any length."""
    return 3 * np.random.default_rng(4).standard_normal((ROWS, DIMENSION)).astype(np.float32)


def tilt(vectors, cosine):
    """Return a copy in which the third vector has this cosine with what it was, and its length."""
    other, one = np.copy(vectors), vectors[2] / np.linalg.norm(vectors[2])
    across = np.roll(one, 1) - np.dot(np.roll(one, 1), one) * one
    across /= np.linalg.norm(across)
    other[2] = np.linalg.norm(vectors[2]) * (cosine * one + np.sqrt(1 - cosine**2) * across)
    return other


@pytest.mark.parametrize(
    ("precision", "honest", "wrong"),
    [
        ("f32", 0.9999, 0.998),
        ("bf16", 0.9999, 0.998),
        ("int8", 0.996, 0.985),
        ("f16", 0.996, 0.985),
        (None, 0.996, 0.98),
    ],
)
def test_other_rounding_is_the_same_vector_and_another_direction_is_not(vectors, precision, honest, wrong):
    """As far as each precision rounds; the message names the chunk, its document and the cosine."""
    check(vectors, tilt(vectors, honest), precision)
    with pytest.raises(ReuseError, match=rf"chunk 2 of document 'd'.*cosine {wrong:.4f}.*1 of 6 compared"):
        check(vectors, tilt(vectors, wrong), precision)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.1, 1000, -1, 0])
def test_a_vector_of_another_length_is_another_one(vectors, factor):
    """A model that does not normalise gives each text its length, too."""
    check(vectors, vectors * np.float32(1.01))
    other = np.copy(vectors)
    other[2] *= factor
    with pytest.raises(ReuseError, match="chunk 2 of document 'd'"):
        check(vectors, other)


def test_a_text_that_the_engine_refuses_cannot_have_had_a_vector(vectors):
    """Its words are quoted."""
    with pytest.raises(ReuseError, match=r"chunk 4 of document 'd'.*\(no such letter; 1 of 6"):
        check(vectors, vectors, failed={4: "no such letter"})
