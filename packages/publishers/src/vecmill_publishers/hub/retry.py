"""Retry: which errors of the Hub are tried again, and what the others say."""

from __future__ import annotations

import contextlib
import json
import random
import time
from typing import TYPE_CHECKING, Any, TypeVar, cast

from huggingface_hub import errors
from huggingface_hub.utils import parse_ratelimit_headers  # type: ignore[attr-defined]

from vecmill.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


# The client's HTTP library, httpx or httpx2, by its common error: the two versions share no name.
HTTP_ERROR = cast("type[Exception]", errors.HfHubHTTPError.__bases__[0])
TRANSPORT_ERROR = (HTTP_ERROR, ConnectionError, TimeoutError)
CLIENT_ERROR = (HTTP_ERROR, OSError, ValueError, RuntimeError, errors.EntryNotFoundError)
"""Whatever the client raises: beside its own errors it wraps many, and the Xet client has but these."""
HIDDEN = "…"
AGAIN = "What was sent is kept: publish again to go on"
UNAUTHORIZED, PAYMENT, FORBIDDEN, TOO_LARGE = 401, 402, 403, 413


def status(error: BaseException) -> int:
    """Return the status of the answer that an error stands for; 0 if none came."""
    for cause in _causes(error):
        code = getattr(getattr(cause, "response", None), "status_code", 0)
        if code:
            return int(code)
    return 0


def headers(error: BaseException) -> Mapping[str, str]:
    """Return the headers of that answer, by lower-case name."""
    answers = (getattr(cause, "response", None) for cause in _causes(error))
    found: Mapping[str, str] = next((answer.headers for answer in answers if answer is not None), {})
    return {str(name).lower(): str(value) for name, value in found.items()}


@contextlib.contextmanager
def translate_errors(repo: str, token: str) -> Iterator[None]:
    """Turn the client's errors into ours; the token stays out of them."""
    try:
        yield
    except CLIENT_ERROR as error:
        raise PublishError(_message(repo, error).replace(token, HIDDEN)) from _without(error, token)


def _message(repo: str, error: Exception) -> str:
    code, said = status(error), _format_error(error)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return f"the Hub cannot be reached: HF_HUB_OFFLINE is set. Unset it to publish to {repo}"
    if any(isinstance(cause, errors.RepositoryNotFoundError) for cause in _causes(error)):
        return f"{repo} is not on the Hub, or hidden from this token: it was removed or renamed. {AGAIN}"
    if code == UNAUTHORIZED:
        return f"the Hub does not know this token ({said}): log in with `hf auth login`, or set HF_TOKEN"
    if code in {FORBIDDEN, PAYMENT, TOO_LARGE} or "storage" in said.lower():
        return f"the Hub refused what was to be sent to {repo}: {said}. Mend that, and publish again to go on"
    return f"{repo} could not be published: {said}. {AGAIN}"


def _format_error(error: Exception) -> str:
    """Return the Hub's own words if there are any, else the error's first line."""
    for cause in _causes(error):
        told = getattr(cause, "server_message", None)
        if told:
            return str(told).strip().rstrip(".")
    lines = [line.strip() for cause in _causes(error) for line in str(cause).splitlines() if line.strip()]
    shown = next((line for line in lines if not line.startswith("Error while uploading")), type(error).__name__)
    if shown.endswith(":") and lines.index(shown) + 1 < len(lines):
        shown += f" {lines[lines.index(shown) + 1]}"
    return shown.rstrip(".")


def _causes(error: BaseException) -> Iterator[Any]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _without(error: Exception, token: str) -> Exception | None:
    """Return an error to chain to, for --debug; none if it would show the token."""
    return None if any(token in str(cause) for cause in _causes(error)) else error


T = TypeVar("T")

ATTEMPTS = 8
LONGEST_SECONDS = 60.0
LONGEST_LIMIT_SECONDS = 600.0
PASSING = frozenset({408, 409, 412, 425, 429, 500, 502, 503, 504})
"""What may be otherwise in a moment. After 5xx, and when no answer came, the request may have been carried out."""


def insist(act: Callable[[], T], landed: Callable[[], T | None] = lambda: None) -> T:
    """Do something until it is done.

    Args:
        act: What to do.
        landed: Asked after each failure that may pass; returns the result if the deed was done all the same.

    Raises:
        Exception: The last one of ``act`` or ``landed``, if it does not pass, or does not pass in time.
    """
    for attempt in range(ATTEMPTS):
        try:
            if attempt and (found := landed()) is not None:
                return found
            return act()
        except Exception as error:
            if not passing(error) or attempt == ATTEMPTS - 1:
                raise
            time.sleep(pause(headers(error), attempt))
    raise AssertionError


def passing(error: Exception) -> bool:
    """Whether an error may be gone in a moment."""
    if status(error):
        return status(error) in PASSING
    # A proxy's page in place of the Hub's JSON is as good as no answer.
    return isinstance(error, (*TRANSPORT_ERROR, json.JSONDecodeError))


def pause(told: Mapping[str, str], attempt: int) -> float:
    """Return how many seconds to wait: what the Hub says, else longer and longer."""
    limit = parse_ratelimit_headers(told)
    if limit is not None and limit.remaining == 0:
        return min(limit.reset_in_seconds + 1.0, LONGEST_LIMIT_SECONDS)
    if told.get("retry-after", "").isdigit():
        return min(int(told["retry-after"]) + 1.0, LONGEST_LIMIT_SECONDS)
    # Many workers that failed together should not come back together.
    return float(min(2**attempt, LONGEST_SECONDS)) * random.uniform(0.75, 1.25)  # noqa: S311 - not secret
