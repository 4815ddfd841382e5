"""A router shows how it reads before it gets a corpus."""

from __future__ import annotations

from typing import Any

import pytest

from vecmill.errors import ConfigError, EmbedError, EngineError
from vecmill.tei.client import TEXT, OpenAiRoute, check_token_count
from vecmill.tei.errors import Kind, RetryableError, TooLargeError
from vecmill.tei.session import RetryPolicy
from vecmill.testing import WordTokenizer

WORDS = len(TEXT.split()) + WordTokenizer().special_tokens


class Counting:
    """A router that gives these answers in turn."""

    url = "http://127.0.0.1:1"

    def __init__(self, *answers):
        self._answers = iter(answers)

    def tokens(self, path, body):
        """Answer."""
        assert TEXT.encode() in body
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def check(*answers):
    """Ask a router with these answers."""
    router: Any = Counting(*answers)
    check_token_count(router, OpenAiRoute("model"), WordTokenizer(), RetryPolicy(2, 0))


@pytest.mark.parametrize("answer", [WORDS, None, EmbedError("empty"), TooLargeError("too large")])
def test_a_router_is_taken_that_counts_right_or_not_at_all(answer):
    """A server that keeps no count, or refuses this text, has said nothing wrong."""
    check(answer)


@pytest.mark.parametrize("answer", [WORDS - 1, WORDS + 5])
def test_a_router_that_counts_otherwise_is_refused(answer):
    """It reads another text than the one it was sent."""
    with pytest.raises(ConfigError, match=f"reads {answer} tokens in a text that has {WORDS} .*--default-prompt"):
        check(answer)


def test_a_fault_is_outlasted_as_with_any_request():
    """Once it is tried again, twice is enough."""
    broken = RetryableError(Kind.DISCONNECTED, "reset")
    check(broken, WORDS)
    with pytest.raises(EngineError, match="tried 2 times"):
        check(broken, broken)
