"""The same dataset, whether the model runs in the worker or behind a router."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from doubles.tei import MODEL
from repository import DEMO
from vecmill import Job, run, verify
from vecmill.tei.embedder import TeiEmbedder
from vecmill.testing import check_embedder
from vecmill_openvino.embedder import OpenVinoEmbedder

LONG = ["word " * 3000, "short", "A sentence. Another one! " * 60]


def cosines(left, right):
    """Compare vectors row by row."""
    left, right = np.asarray(left), np.asarray(right)
    return np.einsum("ij,ij->i", left, right) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)


@pytest.fixture(scope="module")
def reference():
    """Embed in this process."""
    embedder = OpenVinoEmbedder(OpenVinoEmbedder.Config(model=MODEL, precision="f32"))
    embedder.open()
    yield embedder
    embedder.close()


def test_the_demo_through_a_router_equals_the_demo_in_the_worker(encoder, tmp_path):
    """Same rows, same order, and vectors that point the same way to within a cosine of 0.9999."""
    made = {}
    for name, options in {"openvino": ["precision=f32"], "tei": [f"url={encoder.url}"]}.items():
        chosen = [f"embedder.{option}" for option in [f"name={name}", *options]]
        dataset = run(
            Job.load(DEMO, [*chosen, "runtime.name=inline", "source.limit=3", f"publish.0.path={tmp_path / name}"])
        )
        verify(dataset.path)
        made[name] = pq.read_table(dataset.path / "data")
    left, right = made.values()
    assert left.num_rows > 5
    assert left.drop_columns(["embedding"]).equals(right.drop_columns(["embedding"]))
    assert cosines(left["embedding"].to_pylist(), right["embedding"].to_pylist()).min() >= 0.9999


def test_it_is_an_embedder(encoder):
    """It keeps the protocol, awkward texts included."""
    check_embedder(TeiEmbedder(TeiEmbedder.Config(model=MODEL, url=encoder.url)))


@pytest.mark.parametrize("route", ["openai-base64", "embed"])
def test_long_texts_are_cut_where_the_model_would_cut_them(encoder, reference, route):
    """On both routes, also by a router that refuses what is too long."""
    embedder = TeiEmbedder(TeiEmbedder.Config(model=MODEL, url=encoder.url, route=route))
    embedder.open()
    try:
        assert cosines(embedder.embed(LONG), reference.embed(LONG)).min() >= 0.9999
    finally:
        embedder.close()


def test_an_unknown_limit_is_kept_here(encoder, reference):
    """A server that does not say how long texts may be is sent none that the model would not take."""
    encoder.behave(no_info=True)
    embedder = TeiEmbedder(TeiEmbedder.Config(model=MODEL, url=encoder.url))
    embedder.open()
    try:
        assert cosines(embedder.embed(LONG), reference.embed(LONG)).min() >= 0.9999
    finally:
        embedder.close()
        encoder.behave()
