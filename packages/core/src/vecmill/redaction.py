"""Redaction: what libraries say, without the secrets that they quote.

vecmill's own messages name no secret. An HTTP client's error may quote an address with a password in it, and a
worker's last words may hold anything.
"""

from __future__ import annotations

import os
import re

HIDDEN = "***"
LEAST_CHARACTERS = 8
"""A shorter value is no secret worth the name, and would be found in the middle of words."""

_NAMES = re.compile(r"(TOKEN|SECRET|PASSWORD|PASSWD|(^|_)KEY|CREDENTIALS?|WEBHOOK_URL)$", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<=://)[^\s/?#@'\"]+(?=@)")
_TOKENS = re.compile(r"\b(hf_[A-Za-z0-9]{8,}|a[sk]-[A-Za-z0-9]{16,}|Bearer\s+[^\s'\"]{8,})")


def redacted(text: str) -> str:
    """Return a text with secrets replaced: values of the environment's tokens, keys and passwords, and their like."""
    for value in _secrets():
        text = text.replace(value, HIDDEN)
    return _TOKENS.sub(HIDDEN, _ADDRESS.sub(HIDDEN, text))


def _secrets() -> list[str]:
    """Return the secrets of this process's environment, the longest first: one may begin as another does."""
    values = {value for name, value in os.environ.items() if _NAMES.search(name) and len(value) >= LEAST_CHARACTERS}
    return sorted(values, key=len, reverse=True)
