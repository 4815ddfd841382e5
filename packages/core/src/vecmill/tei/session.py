"""Session: texts become vectors at a router, whatever the router does meanwhile."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from vecmill.errors import EmbedError, EngineError
from vecmill.tei.faults import ABOUT_THE_TEXTS, Fault, Kind, TooLarge
from vecmill.tei.limiter import Limiter
from vecmill.tei.routes import EmbedRoute

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from vecmill.tei.limits import Limits
    from vecmill.tei.patience import Patience
    from vecmill.tei.router import Router
    from vecmill.tei.routes import Route

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
        patience: Makes the patience of one request.

    Attributes:
        limits: What the router takes.
    """

    def __init__(
        self, router: Router, route: Route, limits: Limits, dimension: int, patience: Callable[[], Patience]
    ) -> None:
        self._router = router
        self._route = route
        self.limits = limits
        self._limiter = Limiter(limits.texts_at_once)
        self._dimension = dimension
        self._patience = patience
        self._closed = threading.Event()

    def embed(self, texts: Sequence[str], *, cut: bool = False) -> npt.NDArray[np.float32]:
        """Return the texts' vectors, shape ``(len(texts), dimension)``; not a number where the router has none.

        Args:
            texts: What to embed.
            cut: Have the router cut what is too long, by the one route that can.

        Raises:
            EmbedError: The router refuses one of them, or gave no fit answer for them, however often it was asked.
            EngineError: It was tried often and long enough.
            ConfigError: The router is not the right one, or wants a key.
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
        except TooLarge as error:
            if len(texts) == 1:
                raise EmbedError(str(error)) from error
            middle = len(texts) // 2
            return np.concatenate([self._part(route, texts[:middle]), self._part(route, texts[middle:])])

    def _send(self, route: Route, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        body = route.body(texts)
        if len(body) > PAYLOAD_BYTES and len(texts) > 1:
            raise TooLarge
        patience = self._patience()
        while True:
            try:
                return self._try(route, texts, body)
            except Fault as fault:
                self._wait(fault, patience)
                if patience.seen(Kind.BUSY) >= BUSY_BEFORE_HALVING and len(texts) > 1:
                    raise TooLarge from fault

    def _try(self, route: Route, texts: Sequence[str], body: bytes) -> npt.NDArray[np.float32]:
        with self._limiter.taken(len(texts)) as taken:
            try:
                content = self._router.post(route.path, body)
            except Fault as fault:
                if fault.kind is Kind.BUSY:
                    self._limiter.refused(taken)
                raise
        self._limiter.answered(len(texts))
        return route.vectors(content, len(texts), self._dimension)

    def _wait(self, fault: Fault, patience: Patience) -> None:
        """Wait a little; for a router that is away, until it is back.

        One that answers is not gone: after the last attempt its answer may be due to a text, and the worker finds out.
        """
        try:
            seconds = patience.after(fault)
        except EngineError as error:
            if fault.kind in ABOUT_THE_TEXTS:
                raise EmbedError(str(error)) from fault
            raise
        self._sleep(seconds)
        while fault.kind is Kind.AWAY and not self._router.healthy():
            self._sleep(patience.after(fault))

    def _sleep(self, seconds: float) -> None:
        if self._closed.wait(seconds):
            raise EngineError("the embedder was closed while it waited for the router")
