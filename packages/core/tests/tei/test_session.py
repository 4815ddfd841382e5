"""Session: from texts to vectors over a router that misbehaves."""

from __future__ import annotations

import contextlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.errors import EmbedError, EngineError
from vecmill.tei.client import EmbedRoute, Limits, OpenAiRoute
from vecmill.tei.errors import Kind, RetryableError, TooLargeError
from vecmill.tei.session import PAYLOAD_BYTES, RetryPolicy, Session


class Hasty(RetryPolicy):
    """Counts as the real one, and does not wait."""

    def next_delay(self, failure):
        """Give up when the real one does."""
        super().next_delay(failure)
        return 0.0


class MemoryRouter:
    """Answers in memory: a text's vector is its length and its first character's code.

    Args:
        refuse: Called with the texts of each request; may raise.
    """

    url = "memory"

    def __init__(self, refuse=lambda texts: None):
        self._refuse = refuse
        self._lock = threading.Lock()
        self.requests = []
        self.inside = self.most = self.health = 0

    def post(self, path, body):
        """Answer on either path."""
        request = json.loads(body)
        texts = request.get("input", request.get("inputs"))
        with self._lock:
            self.requests.append((path, len(texts)))
            self.inside += len(texts)
            self.most = max(self.most, self.inside)
        try:
            self._refuse(texts)
            vectors = [vector(text) for text in texts]
        finally:
            with self._lock:
                self.inside -= len(texts)
        data = [{"index": i, "embedding": row} for i, row in enumerate(vectors)]
        return json.dumps(vectors if path == "/embed" else {"data": data}).encode()

    def healthy(self):
        """Say yes at the third question."""
        self.health += 1
        return self.health >= 3


def vector(text):
    """Return what stands for the text's meaning."""
    return [float(len(text)), float(ord(text[0]))]


def session(router, limits=None, route=None):
    """Open a session with a router in memory."""
    return Session(router, route or OpenAiRoute("model"), limits or Limits(), 2, lambda: Hasty(5, 3600))


def in_turn(*errors):
    """Return a refusal that raises these in turn, then nothing."""
    left = list(errors)

    def refuse(texts):
        error = left.pop(0) if left else None
        if error is not None:
            raise error

    return refuse


texts_ = st.lists(st.text("abcdé€", min_size=1, max_size=5), max_size=30)


@given(
    texts=texts_,
    errors=st.lists(st.sampled_from([None, *Kind]), max_size=12),
    size=st.integers(1, 40),
    route=st.sampled_from([OpenAiRoute, EmbedRoute]),
)
def test_every_text_gets_its_own_vector_or_the_shard_fails(texts, errors, size, route):
    """Law: through any storm the vectors are those of the texts, in order, or there is one clear error."""
    storm = in_turn(*(error and RetryableError(error, "storm") for error in errors))
    limits = Limits(texts_in_request=size, texts_at_once=size)
    with contextlib.suppress(EngineError, EmbedError):
        made = session(MemoryRouter(storm), limits, route("model")).embed(texts)
        assert made.tolist() == [vector(text) for text in texts]
        assert (made.dtype, made.shape) == (np.float32, (len(texts), 2))


@pytest.mark.parametrize(
    ("kind", "error"), [(Kind.DISCONNECTED, EngineError), (Kind.FAILED, EmbedError), (Kind.DAMAGED, EmbedError)]
)
def test_two_faults_are_survived_and_nine_are_not(kind, error):
    """The last error's words are told; after an answer, the text may be the cause, as the worker finds out."""
    few, many = (MemoryRouter(in_turn(*[RetryableError(kind, "storm")] * count)) for count in (2, 9))
    assert session(few).embed(["a"]).tolist() == [vector("a")]
    with pytest.raises(error, match="storm"):
        session(many).embed(["a"])


@given(texts=texts_, most=st.integers(1, 8), size=st.integers(1, 40))
def test_requests_are_halved_until_they_fit(texts, most, size):
    """A router that takes a few texts at a time answers 413 beyond that, and gets its few."""

    def refuse(sent):
        if len(sent) > most:
            raise TooLargeError

    router = MemoryRouter(refuse)
    made = session(router, Limits(texts_in_request=size)).embed(texts)
    assert made.tolist() == [vector(text) for text in texts]
    assert all(count <= size for _, count in router.requests)


def test_one_text_too_large_is_that_texts_fault():
    """There is nothing left to halve, so the worker sets the document aside."""
    router = MemoryRouter(in_turn(*[TooLargeError("too large")] * 9))
    with pytest.raises(EmbedError, match="too large"):
        session(router).embed(["a"])


def test_a_large_request_is_halved_before_it_is_sent():
    """A router hangs up on a body over its limit, so none is sent that exceeds the usual one."""
    router = MemoryRouter()
    session(router).embed(["a" * (PAYLOAD_BYTES // 2)] * 4)
    assert [count for _, count in router.requests] == [1, 1, 1, 1]


def test_a_request_that_never_finds_room_is_halved():
    """Four texts always need more than there is, two do not: they come back in order."""

    def refuse(sent):
        if len(sent) > 2:
            raise RetryableError(Kind.BUSY, "429")

    router = MemoryRouter(refuse)
    assert session(router).embed(list("abcd")).tolist() == [vector(text) for text in "abcd"]
    assert router.requests[-2:] == [("/v1/embeddings", 2)] * 2


def test_long_texts_are_cut_by_the_route_that_can():
    """Whichever route is chosen, the other halves of the request included."""
    router = MemoryRouter()
    made = session(router, Limits(texts_in_request=1)).embed(["a", "b"], cut=True)
    assert router.requests == [("/embed", 1), ("/embed", 1)]
    assert made.tolist() == [vector("a"), vector("b")]


def test_a_refused_text_is_the_callers_to_find():
    """A batch with a bad text is refused whole: the worker halves it, and no request is repeated in vain."""
    router = MemoryRouter(in_turn(EmbedError("empty")))
    with pytest.raises(EmbedError, match="empty"):
        session(router).embed(["a", "b"])
    assert len(router.requests) == 1


def test_a_router_that_is_away_is_asked_for_its_health():
    """The texts are sent again only when it is back."""
    router = MemoryRouter(in_turn(RetryableError(Kind.AWAY, "gone")))
    session(router).embed(["a"])
    assert (router.health, len(router.requests)) == (3, 2)


def test_many_threads_keep_the_routers_limit():
    """Eight threads with requests of four texts never have more than ten texts at a router that takes ten."""
    router = MemoryRouter()
    shared = session(router, Limits(texts_at_once=10))
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: shared.embed([chr(97 + n % 26)] * 4), range(200)))
    assert 4 <= router.most <= 10
    assert all(rows.tolist() == [vector(chr(97 + n % 26))] * 4 for n, rows in enumerate(made))


def test_closing_ends_a_wait():
    """A thread that waits for a router does not keep a worker from ending."""
    router: Any = MemoryRouter(in_turn(RetryableError(Kind.AWAY, "gone")))
    router.close = lambda: None
    router.healthy = lambda: False
    waiting = Session(router, OpenAiRoute("model"), Limits(), 2, lambda: RetryPolicy(5, 3600))
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(waiting.embed, ["a"])
        waiting.close()
        with pytest.raises(EngineError, match="closed"):
            future.result(30)
