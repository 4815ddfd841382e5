"""Request and Answer: what an endpoint takes and gives."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    """A request, as it came.

    Attributes:
        method: ``GET``, ``HEAD``, ``POST`` or ``PUT``.
        target: Path and query, still quoted.
        headers: By lower-case name.
        body: What was sent.
        status: What it was answered, once it is.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""
    status: int = 0

    @property
    def path(self) -> str:
        """The path, still quoted."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The query's values; the last of each name."""
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def form(self) -> dict[str, list[str]]:
        """The body as a form."""
        return parse_qs(self.body.decode())

    @property
    def token(self) -> str | None:
        """The bearer token."""
        return self.headers.get("authorization", "").removeprefix("Bearer ") or None

    def flag(self, name: str) -> bool:
        """Whether the query says yes."""
        return self.query.get(name, "").lower() in {"1", "true"}


@dataclass
class Answer:
    """What to send back."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: Any, **headers: str) -> Answer:
        """Answer with JSON."""
        return cls(200, json.dumps(value).encode(), {"Content-Type": "application/json", **headers})
