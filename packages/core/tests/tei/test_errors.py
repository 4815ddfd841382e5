"""What each status of a router means."""

from __future__ import annotations

import httpx2
import pytest

from vecmill.errors import ConfigError, EmbedError, EngineError
from vecmill.tei.errors import InvalidTextError, Kind, RetryableError, TooLargeError, check_status

URL = "http://127.0.0.1:1/embed"


def check(status, content=b""):
    """Check an answer."""
    check_status(httpx2.Response(status, content=content, request=httpx2.Request("POST", URL)))


def test_200_is_good():
    """Nothing is raised."""
    check(200)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, Kind.BUSY), (503, Kind.AWAY), (502, Kind.AWAY), (504, Kind.AWAY), (424, Kind.FAILED), (500, Kind.FAILED)],
)
def test_what_may_pass_is_a_fault(status, kind):
    """A router with no room, one that is away and a model that failed are tried again, each in its way."""
    with pytest.raises(RetryableError) as caught:
        check(status)
    assert caught.value.kind is kind


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (413, TooLargeError),
        (422, InvalidTextError),
        (400, EmbedError),
        (401, ConfigError),
        (404, ConfigError),
        (418, EngineError),
        (302, EngineError),
    ],
)
def test_what_does_not_pass_says_whose_fault_it_is(status, error):
    """The size's, a text's, the address's or the key's, or nobody's that is known."""
    with pytest.raises(error, match=str(status)):
        check(status)


@pytest.mark.parametrize(
    "content",
    [
        b'{"error":"Model is overloaded","error_type":"Overloaded"}',
        b'{"message":"Model is overloaded","code":429,"type":"Overloaded"}',
        b"Model is overloaded",
    ],
)
def test_the_routers_own_words_are_in_the_message(content):
    """Each route has its own shape of error, and the HTTP layer below has none."""
    with pytest.raises(RetryableError, match=r": 429 Model is overloaded$"):
        check(429, content)


@pytest.mark.parametrize("content", [b"[1]", b"7", b"null", b"\xff\xfe", b"x" * 10_000])
def test_any_words_will_do(content):
    """An error with a body of another kind is still that error, and it stays short."""
    with pytest.raises(RetryableError) as caught:
        check(429, content)
    assert len(str(caught.value)) < 400
