"""Refusal: an error of the router's, in the shape of each of its routes."""

from __future__ import annotations

STATUS = {"Empty": 400, "Validation": 422, "Tokenizer": 422, "Overloaded": 429, "Backend": 424, "Unhealthy": 503}


class Refusal(Exception):  # noqa: N818 - it is an answer
    """One of the router's own errors."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = STATUS[kind]

    def body(self, *, openai: bool) -> dict[str, str | int]:
        """Return the JSON that says so."""
        if openai:
            return {"message": str(self), "code": self.status, "type": self.kind}
        return {"error": str(self), "error_type": self.kind}


OVERLOADED = ("Overloaded", "Model is overloaded")


class PlainRefusal(Exception):  # noqa: N818 - (the same)
    """An error of the HTTP layer below the router: plain text."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
