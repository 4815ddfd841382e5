"""Disturbance: what can come between a client and the Hub."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from doubles.hub.request import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from doubles.hub.request import Request

DROPPED = 0
"""A status that stands for no answer at all: the connection is closed."""


@dataclass
class Disturbance:
    """Something that happens to requests of one kind.

    Attributes:
        method: Of the requests it happens to; empty for any.
        path: A regular expression that is found in their paths.
        status: What they are answered; ``DROPPED`` closes the connection.
        times: How many of them it happens to.
        skip: How many pass before it begins.
        after: Whether the request is carried out all the same, and only its answer is lost.
        headers: Sent with the status.
        message: Sent with the status.
        act: Called when it happens; with it and no status, the request goes on.
    """

    method: str
    path: str
    status: int | None = None
    times: int = 1
    skip: int = 0
    after: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "disturbed"
    act: Callable[[], object] | None = None
    happened: int = 0

    def meets(self, request: Request) -> bool:
        """Whether it happens to this request; counts it."""
        if self.method not in {"", request.method} or self.happened >= self.times:
            return False
        if not re.search(self.path, request.path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.happened += 1
        return True

    def answer(self, request: Request, carry_out: Callable[[Request], Answer]) -> Answer:
        """Disturb a request."""
        if self.act is not None:
            self.act()
        if self.status is None:
            return carry_out(request)
        if self.after:
            carry_out(request)
        kind = "text/html" if self.message.startswith("<") else "application/json"
        body = self.message if kind == "text/html" else json.dumps({"error": self.message})
        return Answer(self.status, body.encode(), {"Content-Type": kind, **self.headers})
