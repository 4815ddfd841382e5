"""Webhook: a report of a failed run to an address of the user: nobody watches a schedule.

The address may hold a key, so it is a secret: it comes from a Modal Secret alone, and is in no option, log or error.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VARIABLE = "VECMILL_WEBHOOK_URL"
"""The key of the Secret, and the variable that containers have of it."""
TIMEOUT_SECONDS = 10.0
PAUSES = (1.0, 4.0)
"""Seconds before the second and the third attempt."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
FINAL = frozenset(range(300, 500)) - {408, 429}
"""What another attempt would be answered too."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """What is meant for one address goes to no other."""

    def redirect_request(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - as the library calls it
        return None


def call_webhook(
    report: Mapping[str, str], say: Callable[[str], None], pause: Callable[[float], None] = time.sleep
) -> bool:
    """Post a report as JSON, if there is an address for it; a failure is no error, but a line without the address.

    Args:
        report: What to post.
        say: Takes a line for the log.
        pause: Waits.

    Returns:
        Whether it was taken.
    """
    url = os.environ.get(VARIABLE, "").strip()
    if not url:
        return False
    if not _is_safe(url):
        say(f"nobody got a report of the failure: {VARIABLE} is no https:// address")
        return False
    for seconds in (0.0, *PAUSES):
        pause(seconds)
        answer = _post(url, json.dumps(report).encode())
        if answer in range(200, 300):
            return True
        if answer in FINAL:
            break
    result = f"it answered {answer}" if answer else "it did not answer"
    say(f"the address in {VARIABLE} did not get the report of the failure: {result}")
    return False


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK))


def _post(url: str, body: bytes) -> int:
    """Post once; return the status of the answer, or 0 for none."""
    request = urllib.request.Request(  # noqa: S310 - of one of two schemes
        url, data=body, headers={"Content-Type": "application/json", "User-Agent": "vecmill"}, method="POST"
    )
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=TIMEOUT_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)
    except (OSError, ValueError):  # what it says may quote the address
        return 0
