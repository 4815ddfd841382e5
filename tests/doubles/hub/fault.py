"""Fault: an error answer of the Hub."""

from __future__ import annotations


class Fault(Exception):  # noqa: N818 (it is an answer)
    """Ends a request with a status and the headers clients look at."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {"X-Error-Code": code, "X-Error-Message": message}
