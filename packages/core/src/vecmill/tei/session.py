"""Session: requests to one router, several at a time, tried again while that may help."""

from __future__ import annotations

import collections
import random
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from vecmill.errors import EmbedError, EngineError
from vecmill.tei.client import EmbedRoute
from vecmill.tei.errors import ABOUT_THE_TEXTS, Kind, RetryableError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from vecmill.tei.client import Limits, Route, Router


REPEATS = {Kind.FAILED: 2, Kind.DAMAGED: 2}
"""More of the same is not to be expected from a model that failed three times."""
FIRST_S = 0.05
LONGEST_S = 2.0


class RetryPolicy:
    """When one request is tried again, and when no more.

    Args:
        attempts: How often a request is sent that breaks the connection or the model.
        wait_s: How long to wait for a router that is busy or away.
    """

    def __init__(self, attempts: int, wait_s: float) -> None:
        self._attempts = attempts
        self._wait_s = wait_s
        self._began = time.monotonic()
        self._seen: collections.Counter[Kind] = collections.Counter()

    def count(self, kind: Kind) -> int:
        """Return how often this went wrong."""
        return self._seen[kind]

    def next_delay(self, failure: RetryableError) -> float:
        """Return the seconds to wait before the next attempt: longer each time, and never quite the same.

        Raises:
            EngineError: It was tried often and long enough.
        """
        self._seen[failure.kind] += 1
        waited = time.monotonic() - self._began
        if failure.kind in {Kind.BUSY, Kind.AWAY}:
            if waited >= self._wait_s:
                raise EngineError(f"{failure}; waited {waited:.0f} s for it (embedder.wait_s)") from failure
        elif self._seen[failure.kind] > min(REPEATS.get(failure.kind, self._attempts), self._attempts - 1):
            raise EngineError(f"{failure}; tried {self._seen[failure.kind]} times (embedder.attempts)") from failure
        longest: float = min(LONGEST_S, FIRST_S * 2 ** (self._seen.total() - 1))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads requests, keeps no secret


class RateLimit:
    """Finds out how much a router takes: a little more after each answer, half of it after a refusal.

    The router counts texts, not requests, so this does too. One request may always go, however many texts it
    has, so nothing waits for ever.

    Args:
        ceiling: Texts that are never exceeded, except by a request that is alone.
    """

    def __init__(self, ceiling: int) -> None:
        self._ceiling = max(1, ceiling)
        self._capacity = float(self._ceiling)
        self._used = 0
        self._round = 0
        self._changed = threading.Condition()

    @property
    def capacity(self) -> float:
        """Texts that may be at the router now."""
        return self._capacity

    @contextmanager
    def acquire(self, texts: int) -> Iterator[int]:
        """Wait for room for a request, and keep it while the block runs; the value is the round it belongs to."""
        with self._changed:
            self._changed.wait_for(lambda: self._used == 0 or self._used + texts <= self._capacity)
            self._used += texts
            current = self._round
        try:
            yield current
        finally:
            with self._changed:
                self._used -= texts
                self._changed.notify_all()

    def record_answer(self, texts: int) -> None:
        """A request came back with vectors: allow about one more of its size for each capacity's worth of answers."""
        with self._changed:
            self._capacity = min(float(self._ceiling), self._capacity + texts * min(1.0, texts / self._capacity))
            self._changed.notify_all()

    def record_refusal(self, current: int) -> None:
        """The router had no room. Requests of one round were sent by the same belief, and correct it once."""
        with self._changed:
            if current == self._round:
                self._round += 1
                self._capacity = max(1.0, min(self._capacity, self._used) / 2)


PAYLOAD_BYTES = 1_900_000
"""Larger requests are halved before they are sent: a router takes 2,000,000 by default, and hangs up beyond that."""
BUSY_BEFORE_HALVING = 4
"""Refusals for want of room after which a request is halved: it may need more room than there is in all."""


class Session:
    """An open connection to a router; ``embed`` may be called from many threads.

    Args:
        router: The server.
        route: How to ask it.
        limits: What it takes.
        dimension: Width of a vector.
        new_policy: Makes the retry policy of one request.

    Attributes:
        limits: What the router takes.
    """

    def __init__(
        self, router: Router, route: Route, limits: Limits, dimension: int, new_policy: Callable[[], RetryPolicy]
    ) -> None:
        self._router = router
        self._route = route
        self.limits = limits
        self._rate_limit = RateLimit(limits.texts_at_once)
        self._dimension = dimension
        self._new_policy = new_policy
        self._closed = threading.Event()

    def embed(self, texts: Sequence[str], *, cut: bool = False) -> npt.NDArray[np.float32]:
        """Return the texts' vectors, shape ``(len(texts), dimension)``; not a number where the router has none.

        Args:
            texts: What to embed.
            cut: Have the router cut what is too long, by the one route that can.

        Raises:
            EmbedError: The router refuses one of them, or gave no fit answer for them, however often it was asked.
            EngineError: It was tried often and long enough.
            ConfigError: The router is not the right one, or needs a key.
        """
        route = EmbedRoute(truncate=True) if cut else self._route
        size = self.limits.texts_in_request
        parts = [self._part(route, texts[first : first + size]) for first in range(0, len(texts), size)]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate([np.empty((0, self._dimension), np.float32), *parts])

    def close(self) -> None:
        """Stop waiting, and close the connections."""
        self._closed.set()
        self._router.close()

    def _part(self, route: Route, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed what fits in a request, or its halves if it does not."""
        try:
            return self._send(route, texts)
        except TooLargeError as error:
            if len(texts) == 1:
                raise EmbedError(str(error)) from error
            middle = len(texts) // 2
            return np.concatenate([self._part(route, texts[:middle]), self._part(route, texts[middle:])])

    def _send(self, route: Route, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        body = route.body(texts)
        if len(body) > PAYLOAD_BYTES and len(texts) > 1:
            raise TooLargeError
        policy = self._new_policy()
        while True:
            try:
                return self._try(route, texts, body)
            except RetryableError as failure:
                self._wait(failure, policy)
                if policy.count(Kind.BUSY) >= BUSY_BEFORE_HALVING and len(texts) > 1:
                    raise TooLargeError from failure

    def _try(self, route: Route, texts: Sequence[str], body: bytes) -> npt.NDArray[np.float32]:
        with self._rate_limit.acquire(len(texts)) as taken:
            try:
                content = self._router.post(route.path, body)
            except RetryableError as failure:
                if failure.kind is Kind.BUSY:
                    self._rate_limit.record_refusal(taken)
                raise
        self._rate_limit.record_answer(len(texts))
        return route.vectors(content, len(texts), self._dimension)

    def _wait(self, failure: RetryableError, policy: RetryPolicy) -> None:
        """Wait a little; for a router that is away, until it is back.

        One that answers is not gone: after the last attempt its answer may be due to a text, and the worker finds out.
        """
        try:
            seconds = policy.next_delay(failure)
        except EngineError as error:
            if failure.kind in ABOUT_THE_TEXTS:
                raise EmbedError(str(error)) from failure
            raise
        self._sleep(seconds)
        while failure.kind is Kind.AWAY and not self._router.healthy():
            self._sleep(policy.next_delay(failure))

    def _sleep(self, seconds: float) -> None:
        if self._closed.wait(seconds):
            raise EngineError("the embedder was closed while it waited for the router")
