"""Other people's clients at the router double: what it says, they understand."""

from __future__ import annotations

import numpy as np
import pytest

from doubles.tei import MODEL
from vecmill_openvino.embedder import OpenVinoEmbedder

TEXTS = ["hello world", "Übung macht den Meister.", "a longer sentence about nothing in particular " * 9]


@pytest.fixture(scope="module")
def reference():
    """Embed in this process."""
    embedder = OpenVinoEmbedder(OpenVinoEmbedder.Config(model=MODEL, precision="f32"))
    embedder.open()
    yield embedder.embed(TEXTS)
    embedder.close()


@pytest.mark.parametrize("client", ["hub", "openai", "openai-float"])
def test_a_strangers_client_gets_the_models_vectors(stranger, router, reference, client):
    """huggingface_hub's InferenceClient and OpenAI's client, in base64 and in numbers, read what ours reads."""
    vectors = np.array(stranger(client, router.url, TEXTS), np.float32)
    assert vectors.shape == reference.shape
    assert np.einsum("ij,ij->i", vectors, reference).min() >= 0.9999


@pytest.mark.parametrize("client", ["openai", "openai-float"])
def test_the_strangers_are_right_about_infinity(stranger, infinity, reference, client):
    """The same clients read the same from a server that is no double: the comparison itself is sound."""
    vectors = np.array(stranger(client, infinity.url, TEXTS), np.float32)
    assert np.einsum("ij,ij->i", vectors, reference).min() >= 0.9999
