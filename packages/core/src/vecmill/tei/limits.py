"""Limits: how much a router takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vecmill.tei.info import RouterInfo

UNKNOWN = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """Without ``/info`` there are none that are known: a server of another make.

    Attributes:
        texts_in_request: Texts in a request.
        texts_at_once: Texts in all requests that it works on at the same time.
        longest: Longest text in tokens, special tokens included.
    """

    texts_in_request: int = UNKNOWN
    texts_at_once: int = UNKNOWN
    longest: int = UNKNOWN

    @classmethod
    def of(cls, info: RouterInfo) -> Limits:
        """Return a router's."""
        return cls(
            texts_in_request=max(1, min(info.max_client_batch_size, info.max_concurrent_requests)),
            texts_at_once=info.max_concurrent_requests,
            longest=info.max_input_length,
        )
