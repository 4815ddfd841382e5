"""Retry: patience with a Hub that is busy, and doubt about what an error means."""

from __future__ import annotations

import json
import random
import time
from typing import TYPE_CHECKING, TypeVar

from huggingface_hub.utils import parse_ratelimit_headers  # type: ignore[attr-defined]

from vecmill_publishers.hub.answer import TRANSPORT_ERROR, headers, status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
