"""Ticket: what a client holds of an input, in the form of a JSON web token that it looks into."""

from __future__ import annotations

import base64
import json


def ticket(key: str, idx: int) -> str:
    """Return the ticket of an input."""
    return ".".join((_part({"alg": "none"}), _part({"id": key, "idx": idx}), "-"))


def holder(token: str) -> str:
    """Return the id of the input that a ticket is for."""
    body = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["id"])


def _part(content: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
