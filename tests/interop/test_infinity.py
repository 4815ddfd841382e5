"""Our client at a real server of another make."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from doubles.tei import MODEL
from repository import DEMO
from vecmill.errors import ConfigError
from vecmill.tei.embedder import TeiEmbedder
from vecmill.testing import check_embedder


def cosines(left, right):
    """Compare vectors row by row."""
    left, right = np.asarray(left), np.asarray(right)
    return np.einsum("ij,ij->i", left, right) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)


def test_the_demo_at_infinity_equals_the_demo_in_the_worker(vecmill, infinity, tmp_path):
    """OpenAI's route with base64: same rows, same order, vectors that point the same way to a cosine of 0.9999."""
    made = {}
    for name, options in {"openvino": ["precision=f32"], "tei": [f"url={infinity.url}"]}.items():
        out = tmp_path / name
        chosen = [f"embedder.{option}" for option in [f"name={name}", *options]]
        sizes = ["batching.name=fixed", "batching.size=32"]
        wanted = [*chosen, *sizes, "source.limit=3", f"publish.0.path={out}"]
        vecmill("run", DEMO, *[part for option in wanted for part in ("--set", option)])
        vecmill("verify", out)
        made[name] = pq.read_table(out / "data")
    left, right = made.values()
    assert left.num_rows > 5
    assert left.drop_columns(["embedding"]).equals(right.drop_columns(["embedding"]))
    assert cosines(left["embedding"].to_pylist(), right["embedding"].to_pylist()).min() >= 0.9999


def test_it_is_an_embedder(infinity):
    """It keeps the protocol, awkward texts included."""
    check_embedder(TeiEmbedder(TeiEmbedder.Config(model=MODEL, url=infinity.url)))


def test_an_address_that_ends_in_v1_is_named(infinity):
    """A common slip ends in a sentence that quotes the address that was tried."""
    embedder = TeiEmbedder(TeiEmbedder.Config(model=MODEL, url=f"{infinity.url}/v1"))
    embedder.open()
    try:
        with pytest.raises(ConfigError, match=r"/v1/v1/embeddings is not there .*correct embedder\.url"):
            embedder.embed(["a text"])
    finally:
        embedder.close()
