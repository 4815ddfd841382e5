"""Requests and answers of each route."""

from __future__ import annotations

import contextlib
import json
from base64 import b64encode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from vecmill.errors import EmbedError
from vecmill.tei.client import ROUTES, EmbedRoute, OpenAiRoute
from vecmill.tei.errors import Kind, RetryableError

floats = st.floats(width=32, allow_infinity=False)
matrices = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=floats)
jsons = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "index", "embedding"]), inner, max_size=3)
        | st.fixed_dictionaries({"data": st.lists(st.fixed_dictionaries({"index": inner, "embedding": inner}))})
    ),
    max_leaves=12,
)


def answer(rows):
    """Write an answer of /v1/embeddings."""
    data = [{"object": "embedding", "index": i, "embedding": row} for i, row in enumerate(rows)]
    return json.dumps({"object": "list", "data": data}).encode()


@given(matrices)
def test_base64_comes_back_bit_for_bit(matrix):
    """What a little-endian server puts in comes out, not-a-number included."""
    rows = [b64encode(row.astype("<f4").tobytes()).decode() for row in matrix]
    assert OpenAiRoute("model").vectors(answer(rows), *matrix.shape).tobytes() == matrix.tobytes()


@given(matrices)
def test_numbers_come_back_and_null_is_not_a_number(matrix):
    """Both routes read JSON numbers; a null is NaN, so that the worker sees it."""
    rows = [[None if np.isnan(number) else float(number) for number in row] for row in matrix]
    for route, content in ((EmbedRoute(), json.dumps(rows).encode()), (OpenAiRoute("model"), answer(rows))):
        np.testing.assert_array_equal(route.vectors(content, *matrix.shape), matrix)


def test_a_missing_vector_is_not_a_number():
    """A null in the place of a whole vector is one of NaN."""
    np.testing.assert_array_equal(EmbedRoute().vectors(b"[null,[1,2]]", 2, 2), [[np.nan, np.nan], [1, 2]])


def test_vectors_follow_their_index():
    """OpenAI's protocol numbers the vectors; their order in the list is no promise."""
    content = json.dumps({"data": [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}]}).encode()
    np.testing.assert_array_equal(OpenAiRoute("model").vectors(content, 2, 1), [[1], [2]])


GOOD = b64encode(np.ones(2, "<f4").tobytes()).decode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<h1>It works!</h1>",
        answer([GOOD, GOOD])[:-20],
        answer([GOOD]),
        answer([GOOD, GOOD, GOOD]),
        answer([GOOD, GOOD[:-4]]),
        answer([GOOD, "!"]),
        answer([GOOD, "\u00e9"]),
        answer([GOOD, None]),
        answer([[1.0, 2.0], [1.0]]),
        answer([{}, {}]),
        b'{"data": [{"embedding": "AAAA"}, {"index": 1}]}',
        b'{"data": 7}',
        b"[]",
    ],
)
def test_an_answer_that_makes_no_sense_is_a_fault(content):
    """Wrong count, wrong width, no JSON, no base64: two vectors of two numbers were asked for."""
    with pytest.raises(RetryableError) as caught:
        OpenAiRoute("model").vectors(content, 2, 2)
    assert caught.value.kind is Kind.DAMAGED


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_an_error_in_place_of_vectors_is_quoted(route):
    """Some servers say with 200 what is wrong: nobody could mend it without their words."""
    with pytest.raises(RetryableError, match=r"no list of .*, but quota exceeded"):
        ROUTES[route]("model").vectors(b'{"error": {"message": "quota exceeded", "code": 402}}', 2, 2)


def test_an_index_that_comes_twice_is_named():
    """As many vectors as texts, but not one for each."""
    data = [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [2.0]}]
    with pytest.raises(RetryableError, match="the index of 2 vectors is not each number from 0 to 1 once"):
        OpenAiRoute("model").vectors(json.dumps({"data": data}).encode(), 2, 1)


@given(st.sampled_from(sorted(ROUTES)), st.one_of(st.binary(max_size=40), jsons.map(lambda v: json.dumps(v).encode())))
def test_whatever_a_server_says_is_vectors_or_a_fault(route, content):
    """No answer crashes the worker; what is taken for vectors has their shape."""
    with contextlib.suppress(RetryableError):
        vectors = ROUTES[route]("model").vectors(content, 2, 2)
        assert vectors.shape == (2, 2)
        assert vectors.dtype == np.float32


@given(st.sampled_from(sorted(ROUTES)), st.lists(st.text(), min_size=1))
def test_a_request_holds_every_text_as_it_is(route, texts):
    """Whatever the Unicode, the server reads the same strings."""
    request = json.loads(ROUTES[route]("model").body(texts))
    assert request.get("input", request.get("inputs")) == texts


def test_the_openai_route_names_the_model():
    """Most servers of other makes refuse a request without, and one that names another."""
    assert json.loads(OpenAiRoute("their-name").body(["text"]))["model"] == "their-name"


def test_half_a_surrogate_pair_is_the_texts_fault():
    """UTF-8 cannot carry it, so the worker sets that document aside."""
    with pytest.raises(EmbedError, match="UTF-8"):
        OpenAiRoute("model").body(["good", "\ud800"])
