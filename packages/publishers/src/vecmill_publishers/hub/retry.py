"""Retry: which errors of the Hub are tried again and when, who does not wait for that, and what the others say."""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar, cast

from huggingface_hub import errors
from huggingface_hub.utils import get_session, parse_ratelimit_headers  # type: ignore[attr-defined]

from vecmill.concurrency import check_interrupt
from vecmill.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


# The client's HTTP library, httpx or httpx2, by its common error: the two versions share no name.
HTTP_ERROR = cast("type[Exception]", errors.HfHubHTTPError.__bases__[0])
TRANSPORT_ERROR = (HTTP_ERROR, ConnectionError, TimeoutError)
CLIENT_ERROR = (HTTP_ERROR, OSError, ValueError, RuntimeError, errors.EntryNotFoundError)
"""What the client raises: its own errors, and those of other libraries; the Xet client raises these alone."""
HIDDEN = "…"
AGAIN = "What was sent is kept: publish again to go on"
UNAUTHORIZED, PAYMENT, FORBIDDEN, TOO_LARGE = 401, 402, 403, 413


def find_status(error: BaseException) -> int:
    """Return the status of the answer that an error stands for; 0 if none came."""
    for cause in _causes(error):
        code = getattr(getattr(cause, "response", None), "status_code", 0)
        if code:
            return int(code)
    return 0


def find_headers(error: BaseException) -> Mapping[str, str]:
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
    code, reason = find_status(error), _format_error(error)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return f"the Hub cannot be reached: HF_HUB_OFFLINE is set. Unset it to publish to {repo}"
    if any(isinstance(cause, errors.RepositoryNotFoundError) for cause in _causes(error)):
        return f"{repo} is not on the Hub, or hidden from this token: it was removed or renamed. {AGAIN}"
    if code == UNAUTHORIZED:
        return f"the Hub does not know this token ({reason}): log in with `hf auth login`, or set HF_TOKEN"
    if code in {FORBIDDEN, PAYMENT, TOO_LARGE} or "storage" in reason.lower():
        return f"the Hub refused what was to be sent to {repo}: {reason}. Correct that, and publish again to go on"
    return f"{repo} could not be published: {reason}. {AGAIN}"


def _format_error(error: Exception) -> str:
    """Return the Hub's own words if there are any, else the error's first line."""
    for cause in _causes(error):
        message = getattr(cause, "server_message", None)
        if message:
            return str(message).strip().rstrip(".")
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
TRANSIENT = frozenset({408, 409, 412, 425, 429, 500, 502, 503, 504})
"""Statuses that may pass. After 5xx, and when no answer came, the Hub may have done what the request asks."""


def retry_call(act: Callable[[], T], find_result: Callable[[], T | None] = lambda: None) -> T:
    """Call something again until it succeeds.

    Args:
        act: What to call.
        find_result: Called after each failure that may pass; returns the result if ``act`` succeeded all the same.

    Raises:
        Exception: The last one of ``act`` or ``find_result``, if it does not pass, or does not pass in time.
    """
    for attempt in range(ATTEMPTS):
        check_interrupt()
        try:
            if attempt and (found := find_result()) is not None:
                return found
            return act()
        except Exception as error:
            if not is_transient(error) or attempt == ATTEMPTS - 1:
                raise
            time.sleep(retry_delay(find_headers(error), attempt))
    raise AssertionError


def is_transient(error: Exception) -> bool:
    """Whether an error may pass."""
    if find_status(error):
        return find_status(error) in TRANSIENT
    # A proxy's page instead of the Hub's JSON counts as no answer.
    return isinstance(error, (*TRANSPORT_ERROR, json.JSONDecodeError))


def retry_delay(headers: Mapping[str, str], attempt: int) -> float:
    """Return how many seconds to wait: what the Hub's answer says, else longer after each attempt."""
    limit = parse_ratelimit_headers(headers)
    if limit is not None and limit.remaining == 0:
        return min(limit.reset_in_seconds + 1.0, LONGEST_LIMIT_SECONDS)
    if headers.get("retry-after", "").isdigit():
        return min(int(headers["retry-after"]) + 1.0, LONGEST_LIMIT_SECONDS)
    # Many workers that failed together should not try again together.
    return float(min(2**attempt, LONGEST_SECONDS)) * random.uniform(0.75, 1.25)  # noqa: S311 - not secret


BUSY = frozenset({429, 503})
"""What the Hub answers when a request should come later; its client waits as long as it says, and sends it again."""
WRITING = frozenset({"POST", "PUT"})
_refusals = 0
_lock = threading.Lock()


@contextlib.contextmanager
def refuse_to_wait() -> Iterator[None]:
    """End an upload at the first answer that the Hub is busy: a worker's GPU costs money while it waits.

    Raises:
        PublishError: It is.
    """
    global _refusals  # noqa: PLW0603 - all threads of the process share one client
    hooks = get_session().event_hooks["response"]
    with _lock:
        _refusals += 1
        if _refuse not in hooks:
            hooks.append(_refuse)
    try:
        yield
    finally:
        with _lock:
            _refusals -= 1


def _refuse(answer: Any) -> None:  # noqa: ANN401 - of httpx or httpx2, which share no name
    if _refusals and answer.request.method in WRITING and answer.status_code in BUSY:
        raise PublishError(f"the Hub is busy ({answer.status_code}), and a worker does not wait for it")
